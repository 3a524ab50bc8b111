"""Bars of one score per class, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.evaluation import ClassRow, Estimate
from core.figures.style import STYLES, Mode, layout, percent, plain, whiskers

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Score = Literal["f1", "precision", "recall"]
NAMES: dict[Score, str] = {"f1": "F1", "precision": "Precision", "recall": "Recall"}
ROW_HEIGHT = 26


def class_bars(rows: tuple[ClassRow, ...], score: Score, mode: Mode = "light") -> Figure:
    """Horizontal bars of `score` in percent in the order of `rows`, the first on top.

    Scores without images or predictions (NaN) have no bar. `customdata` is the label.
    """
    from plotly.graph_objects import Bar, Figure

    style = STYLES[mode]
    estimates: list[Estimate] = [getattr(row, score) for row in rows]
    bars = Bar(
        x=percent(estimates),
        y=np.arange(len(rows)),
        orientation="h",
        marker={"color": style.accent, "opacity": 0.7},
        unselected={"marker": {"opacity": 0.7}},
        selected={"marker": {"opacity": 1.0}},
        error_x=whiskers(estimates, mode),
        customdata=[row.label for row in rows],
        text=[
            f"{plain(row.label)}<br>{NAMES[score]} {estimate.text()}<br>{estimate.support()}"
            for row, estimate in zip(rows, estimates, strict=True)
        ],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
    labels = [plain(row.label, 28) for row in rows]
    shape = layout(
        mode,
        height=60 + ROW_HEIGHT * max(2, len(rows)),
        bargap=0.35,
        xaxis={"range": [0, 100.5], "ticksuffix": " %", "title": {"text": NAMES[score]}, "fixedrange": True},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": labels,
            "autorange": "reversed",
            "fixedrange": True,
            "showgrid": False,
        },
        showlegend=False,
        dragmode=False,
    )
    return Figure(bars, shape)


def picked_label(event: Mapping[str, Any]) -> str | None:
    """The label of the bar that a click chose, from what the browser sent; None where it names none."""
    points = event.get("selection", {}).get("points", [])
    found = points[0].get("customdata") if points else None
    if isinstance(found, list | tuple):
        found = found[0] if found else None
    return found if isinstance(found, str) else None
