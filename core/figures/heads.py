"""How often one head is right given another: a matrix in which each cell is a share of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.evaluation import Estimate
from core.figures.style import STYLES, Mode, layout, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW_HEIGHT = 44


def conditional_figure(
    tasks: tuple[str, ...], given: Mapping[tuple[str, str], Estimate], condition: str, mode: Mode = "light"
) -> Figure:
    """Shares in percent of `given[row, column]`: how often the column's head is right where the row's head is
    `condition` ("right" or "wrong"). The diagonal and pairs without images are blank."""
    from plotly.graph_objects import Figure, Heatmap

    style = STYLES[mode]
    found = [[given.get((row, column)) for column in tasks] for row in tasks]
    shares = [[_share(cell) for cell in line] for line in found]
    names = [plain(task) for task in tasks]
    hover = [
        [_hover(names[i], names[j], cell, condition) for j, cell in enumerate(line)]
        for i, line in enumerate(found)
    ]
    heat = Heatmap(
        z=shares,
        x=names,
        y=names,
        zmin=0,
        zmax=100,
        colorscale=[[0, "rgba(0,0,0,0)"], [1, style.accent]],
        opacity=0.75,
        showscale=False,
        text=[[_text(cell) for cell in line] for line in found],
        texttemplate="%{text}",
        textfont={"size": 13, "color": style.text},
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        xgap=2,
        ygap=2,
    )
    shape = layout(
        mode,
        height=90 + ROW_HEIGHT * len(tasks),
        xaxis={"side": "top", "title": {"text": "Right"}, "fixedrange": True, "showgrid": False},
        yaxis={
            "autorange": "reversed",
            "title": {"text": f"Where {condition}"},
            "fixedrange": True,
            "showgrid": False,
        },
    )
    return Figure(heat, shape)


def _share(cell: Estimate | None) -> float | None:
    return None if cell is None or np.isnan(cell.value) else 100 * cell.value


def _text(cell: Estimate | None) -> str:
    if cell is None:
        return ""
    if np.isnan(cell.value):
        return "–"
    return f"{100 * cell.value:.0f} %<br><sub>{100 * cell.low:.0f} – {100 * cell.high:.0f}</sub>"


def _hover(row: str, column: str, cell: Estimate | None, condition: str) -> str:
    if cell is None:
        return row
    return f"{column} right where {row} is {condition}:<br>{cell.text()}<br>{cell.support()}"
