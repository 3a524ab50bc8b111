"""Accuracy against cost, with the front of what nothing else beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.evaluation.estimate import Estimate
from core.evaluation.pareto import pareto_front
from core.figures.style import STYLES, Mode, layout, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HEIGHT = 420
_LABELLED = 10
"""With more points names are shown on hovering only."""


def pareto_figure(
    names: Sequence[str],
    costs: Sequence[float],
    accuracies: Sequence[Estimate],
    axis: str,
    mode: Mode = "light",
) -> Figure:
    """One point per name: cost (on a logarithmic axis called `axis`) and accuracy in per cent with its 95 %
    interval. Filled points are on the front, which a line joins; NaN costs are left out.
    """
    from plotly.graph_objects import Figure, Scatter

    style = STYLES[mode]
    cost = np.asarray(costs, dtype=float)
    value, low, high = (
        100 * np.array([getattr(found, end) for found in accuracies], dtype=float)
        for end in ("value", "low", "high")
    )
    front = pareto_front(cost, value)
    known = np.flatnonzero(np.isfinite(cost) & np.isfinite(value))
    order = known[np.argsort(cost[known], kind="stable")]
    joined = [i for i in order if front[i]]
    line = Scatter(
        x=cost[joined],
        y=value[joined],
        mode="lines",
        line={"color": style.accent, "width": 1.5, "dash": "dot", "shape": "hv"},
        hoverinfo="skip",
    )
    marks = Scatter(
        x=cost[order],
        y=value[order],
        mode="markers+text" if len(order) <= _LABELLED else "markers",
        text=[plain(names[i]) for i in order],
        textposition=["middle left" if right else "middle right" for right in _far_right(cost[order])],
        textfont={"size": 11, "color": style.text},
        marker={
            "size": 12,
            "color": [style.accent if front[i] else style.quiet for i in order],
            "symbol": ["circle" if front[i] else "circle-open" for i in order],
            "line": {"width": 2},
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.nan_to_num(high - value)[order],
            "arrayminus": np.nan_to_num(value - low)[order],
            "color": style.quiet,
            "thickness": 1.2,
            "width": 4,
        },
        hovertext=[
            f"{plain(names[i])}<br>{plain(axis)}: {cost[i]:,.4g}<br>accuracy {accuracies[i].text()}"
            f"<br>{accuracies[i].support()}<br>{'on' if front[i] else 'not on'} the front"
            for i in order
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        cliponaxis=False,
    )
    shape = layout(
        mode,
        height=HEIGHT,
        xaxis={"title": {"text": axis}, "type": "log", "fixedrange": True, "range": _span(cost[known])},
        yaxis={"title": {"text": "accuracy in %"}, "fixedrange": True},
        showlegend=False,
    )
    return Figure([line, marks], shape)


def _far_right(costs: np.ndarray) -> list[bool]:
    """Which of the ascending costs stand so far right that a name beside them would leave the plot."""
    logs = np.log10(costs)
    return [bool(at > logs[0] + 0.7 * (logs[-1] - logs[0])) for at in logs]


def _span(costs: np.ndarray) -> list[float] | None:
    """The logarithmic axis's ends, with room for names."""
    if not len(costs):
        return None
    low, high = np.log10(costs.min()), np.log10(costs.max())
    room = max(0.15, 0.18 * (high - low))
    return [float(low - room), float(high + room)]
