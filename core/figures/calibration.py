"""Calibration drawn: accuracy over confidence, and accuracy over the share of images that are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.evaluation.calibration import Calibration
from core.evaluation.coverage import CoverageCurve, ThresholdAnswer
from core.figures.style import STYLES, Mode, faint, layout, percent, whiskers

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SMALLEST, LARGEST = 7.0, 26.0
"""Diameter in pixels of the marks of a bin with few images and of the fullest one."""


def reliability_figure(found: Calibration, mode: Mode = "light") -> Figure:
    """Accuracy of each bin in percent with its 95 % interval over its mean confidence, beside the diagonal of
    perfect calibration; a mark's area grows with the images in its bin."""
    from plotly.graph_objects import Figure, Scatter

    style = STYLES[mode]
    x = np.array([100 * each.confidence for each in found.bins])
    accuracies = [each.accuracy for each in found.bins]
    n = np.array([each.accuracy.n for each in found.bins])
    marks = Scatter(
        x=x,
        y=percent(accuracies),
        name="accuracy",
        mode="markers",
        cliponaxis=False,
        marker={
            "color": style.accent,
            "size": SMALLEST + (LARGEST - SMALLEST) * np.sqrt(n / n.max()),
            "opacity": 0.85,
        },
        error_y=whiskers(accuracies, mode),
        text=[
            f"confidence {each.low:.0%} to {each.high:.0%}, on average {each.confidence:.1%}<br>"
            f"accuracy {each.accuracy.text()}<br>{each.accuracy.support()}"
            for each in found.bins
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    diagonal = Scatter(
        x=[0, 100],
        y=[0, 100],
        name="perfectly calibrated",
        mode="lines",
        line={"color": style.quiet, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    return Figure([diagonal, marks], _square(mode, "mean confidence", "accuracy"))


def coverage_figure(curve: CoverageCurve, chosen: ThresholdAnswer, mode: Mode = "light") -> Figure:
    """Accuracy among the answered images in percent over the share answered, with its plain Wilson band; the
    `chosen` threshold is marked."""
    from plotly.graph_objects import Figure, Scatter

    style = STYLES[mode]
    x = 100 * curve.coverage
    band = Scatter(
        x=np.r_[x, x[::-1]],
        y=100 * np.r_[curve.high, curve.low[::-1]],
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor=faint(style.accent, 0.18),
        name="95 % interval, images taken as independent",
        hoverinfo="skip",
    )
    line = Scatter(
        x=x,
        y=100 * curve.accuracy,
        mode="lines+markers" if len(x) < 3 else "lines",
        line={"color": style.accent, "width": 2},
        name="accuracy",
        customdata=curve.thresholds,
        hovertemplate="from confidence %{customdata:.2f} on: %{x:.1f} % answered, %{y:.1f} % right"
        "<extra></extra>",
    )
    traces = [band, line]
    if chosen.answered:
        traces.append(
            Scatter(
                x=[100 * chosen.coverage.value],
                y=[100 * chosen.accuracy.value],
                mode="markers",
                cliponaxis=False,
                marker={"size": 13, "color": style.wrong, "symbol": "diamond"},
                name="the chosen threshold",
                hoverinfo="skip",
            )
        )
    bottom = float(np.floor(10 * min(1.0, np.nanmin(curve.low))) * 10)
    shape = _square(mode, "images answered", "accuracy among them")
    shape["yaxis"] = {**shape["yaxis"], "range": [max(0.0, bottom), 101]}
    return Figure(traces, shape)


def _square(mode: Mode, x: str, y: str) -> dict[str, Any]:
    axis = {"range": [-1, 101], "ticksuffix": " %", "fixedrange": True}
    return layout(
        mode,
        height=400,
        margin={"l": 8, "r": 16, "t": 40, "b": 8},
        xaxis={**axis, "title": {"text": x}},
        yaxis={**axis, "title": {"text": y}},
    )
