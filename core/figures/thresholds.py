"""Precision, recall and F1 of one label over the threshold from which on it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.evaluation import ThresholdCurve
from core.figures.style import STYLES, Mode, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def threshold_figure(curve: ThresholdCurve, mode: Mode = "light") -> Figure:
    """Three lines told apart by colour and by dash; the threshold of the highest F1 is marked."""
    from plotly.graph_objects import Figure, Scatter

    style = STYLES[mode]
    lines = (
        ("Precision", curve.precision, style.accent, "solid"),
        ("Recall", curve.recall, style.wrong, "dash"),
        ("F1", curve.f1, style.text, "dot"),
    )
    figure = Figure(
        [
            Scatter(
                x=curve.thresholds.astype(np.float32),
                y=(100 * values).astype(np.float32),
                name=name,
                mode="lines+markers" if len(values) < 3 else "lines",
                line={"color": color, "dash": dash, "width": 2, "shape": "hv"},
                hovertemplate="%{y:.1f} %",
            )
            for name, values, color, dash in lines
        ],
        layout(
            mode,
            height=320,
            margin={"l": 8, "r": 16, "t": 36, "b": 8},
            hovermode="x unified",
            xaxis={"range": [0, 1], "title": {"text": "answered from this probability on"}},
            yaxis={"range": [0, 101], "ticksuffix": " %"},
        ),
    )
    best = float(curve.thresholds[curve.best])
    figure.add_vline(x=best, line={"color": style.quiet, "width": 1, "dash": "dot"})
    return figure
