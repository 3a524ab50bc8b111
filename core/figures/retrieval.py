"""Quality of search by type of query: one row per type, one mark per way of ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.evaluation.estimate import Estimate
from core.figures.style import STYLES, Mode, layout, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter

ROW_HEIGHT = 30
SYMBOLS = ("circle", "diamond", "square")
CHANCE = "line-ns-open"


def types_figure(
    types: Sequence[str],
    series: Mapping[str, Sequence[Estimate]],
    chance: Sequence[Estimate],
    mode: Mode = "light",
) -> Figure:
    """mAP in [0, 1] of each of `types`, the first on top: up to three named series of estimates with their
    intervals, and a stroke where a random order would be."""
    from plotly.graph_objects import Figure

    style = STYLES[mode]
    colours = (style.accent, style.wrong, style.other)
    rows = np.arange(len(types))
    shift = 0.22
    marks = [
        _marks(name, found, rows + shift * (place - (len(series) - 1) / 2), colour, symbol)
        for place, ((name, found), colour, symbol) in enumerate(
            zip(series.items(), colours, SYMBOLS, strict=False)
        )
    ]
    by_chance = _marks("by chance", chance, rows, style.quiet, CHANCE)
    by_chance.update(error_x=None, marker={"size": 14, "line": {"width": 2, "color": style.quiet}})
    shape = layout(
        mode,
        height=90 + ROW_HEIGHT * len(types),
        xaxis={"title": {"text": "mAP"}, "range": [0, 1.02], "fixedrange": True},
        yaxis={
            "tickvals": rows.tolist(),
            "ticktext": [plain(name) for name in types],
            "range": [len(types) - 0.4, -0.6],
            "fixedrange": True,
            "showgrid": False,
        },
    )
    return Figure([*marks, by_chance], shape)


def _marks(name: str, found: Sequence[Estimate], at: npt.NDArray[Any], colour: str, symbol: str) -> Scatter:
    from plotly.graph_objects import Scatter

    value, low, high = (
        np.asarray([getattr(one, end) for one in found], dtype=float) for end in ("value", "low", "high")
    )
    return Scatter(
        x=value,
        y=np.asarray(at, dtype=float),
        name=plain(name),
        mode="markers",
        marker={"size": 9, "color": colour, "symbol": symbol},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - value),
            "arrayminus": np.nan_to_num(value - low),
            "color": colour,
            "thickness": 1.4,
            "width": 3,
        },
        text=[f"{plain(name)}<br>mAP {one.text(percent=False)}<br>{one.n} queries" for one in found],
        hovertemplate="%{text}<extra></extra>",
    )
