"""Curves of training runs and their validation confusion, from the records of their epochs.

A record is one line of a run's metrics.jsonl: `epoch` (from 1), `phase`, `train` {loss name: value}, `val`
{task: {accuracy, macro_f1, weighted_f1, loss, n, confusion}}, learning rates, speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.figures.style import STYLES, Mode, layout

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Records = Sequence[Mapping[str, Any]]
Phases = Sequence[tuple[str, int]]
"""(name, epochs) of each phase, in order."""
MEASURES = {"accuracy": "Accuracy", "weighted_f1": "Weighted F1", "macro_f1": "Macro F1", "loss": "Log-loss"}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
COLORS: dict[Mode, tuple[str, ...]] = {
    "light": ("#1B6CA8", "#C2410C", "#0F8A6D", "#A8559B", "#8A6D00", "#4FA3D9", "#667077"),
    "dark": ("#5AA9E6", "#F08A4B", "#4DBBA0", "#D58BC9", "#D9BC4A", "#9BD0F5", "#9AA5AD"),
}
MOST_TEXT = 15
"""Matrices with more labels than this show their counts only on hover."""


def validation_figure(records: Records, phases: Phases, measure: str, mode: Mode = "light") -> Figure:
    """One line per head of a validation measure by epoch; the best epoch is marked, phases are shaded."""
    tasks = list(records[0]["val"]) if records else []
    series = {task: [record["val"][task][measure] for record in records] for task in tasks}
    figure = _lines(records, series, phases, mode, percent=measure != "loss")
    best = [record for record in records if record["best"]]
    if best and tasks:
        value = best[-1]["val"][tasks[0]][measure]
        if value is not None:
            _mark_best(figure, best[-1]["epoch"], _shown(value, measure != "loss"), mode)
    return figure


def loss_figure(records: Records, phases: Phases, mode: Mode = "light") -> Figure:
    """Training loss: each head's share, in the colours of the validation curves, and the total."""
    seen = dict.fromkeys(name for record in records for name in record["train"])
    names = [name for name in seen if name != "total"] + ["total"]
    series = {name: [record["train"].get(name) for record in records] for name in names}
    return _lines(records, series, numbered(phases), mode, percent=False)


def rate_figure(records: Records, phases: Phases, mode: Mode = "light") -> Figure:
    """Learning rates of backbone and heads at the end of each epoch, on a logarithmic axis."""
    series = {
        "backbone": [record["backbone_lr"] or None for record in records],
        "heads": [record["head_lr"] or None for record in records],
    }
    figure = _lines(records, series, numbered(phases), mode, percent=False)
    figure.update_yaxes(type="log", exponentformat="power")
    return figure


def numbered(phases: Phases) -> Phases:
    """The phases without their names, for figures too narrow for them."""
    return [("", epochs) for _, epochs in phases]


def comparison_figure(runs: Mapping[str, Records], task: str, measure: str, mode: Mode = "light") -> Figure:
    """One line per run of one head's validation measure over the epochs."""
    figure = _empty(mode, percent=measure != "loss")
    for index, (name, records) in enumerate(runs.items()):
        known = [record for record in records if task in record["val"]]
        values = [record["val"][task][measure] for record in known]
        _add(figure, name, [record["epoch"] for record in known], values, index, mode, measure != "loss")
    return figure


def confusion_figure(cells: Iterable[Sequence[int]], labels: Sequence[str], mode: Mode = "light") -> Figure:
    """Validation confusion of one head from its non-zero cells (truth, prediction, images)."""
    from plotly.graph_objects import Figure, Heatmap

    style = STYLES[mode]
    counts = np.zeros((len(labels), len(labels)), dtype=np.int32)
    for truth, prediction, images in cells:
        counts[truth, prediction] = images
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    low = "#F2F7FB" if mode == "light" else "#17222B"
    text = np.where(counts > 0, counts.astype(str), "") if len(labels) <= MOST_TEXT else None
    heat = Heatmap(
        z=share.astype(np.float32),
        x=list(labels),
        y=list(labels),
        zmin=0,
        zmax=1,
        text=text,
        texttemplate="%{text}" if text is not None else None,
        customdata=counts,
        colorscale=[[0, low], [1, style.accent]],
        showscale=False,
        hovertemplate="%{y} taken for %{x}: %{customdata}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    side = max(320, min(640, 90 + 26 * len(labels)))
    return Figure(
        [heat],
        layout(
            mode,
            height=side,
            xaxis={"title": {"text": "prediction"}, "showgrid": False, "type": "category"},
            yaxis={
                "title": {"text": "truth"},
                "autorange": "reversed",
                "showgrid": False,
                "type": "category",
            },
        ),
    )


def _lines(
    records: Records, series: Mapping[str, list[Any]], phases: Phases, mode: Mode, *, percent: bool
) -> Figure:
    figure = _empty(mode, percent=percent)
    epochs = [record["epoch"] for record in records]
    for index, (name, values) in enumerate(series.items()):
        _add(figure, name, epochs, values, index, mode, percent)
    _shade(figure, phases, mode)
    return figure


def _empty(mode: Mode, *, percent: bool) -> Figure:
    from plotly.graph_objects import Figure

    return Figure(
        layout=layout(
            mode,
            height=300,
            margin={"l": 8, "r": 16, "t": 40, "b": 8},
            hovermode="x unified",
            xaxis={"title": {"text": "epoch"}, "showgrid": False, "rangemode": "tozero"},
            yaxis={"ticksuffix": " %" if percent else "", "rangemode": "tozero"},
            showlegend=True,
        )
    )


def _add(
    figure: Figure, name: str, epochs: list[int], values: list[Any], index: int, mode: Mode, percent: bool
) -> None:
    from plotly.graph_objects import Scatter

    colors = COLORS[mode]
    figure.add_trace(
        Scatter(
            x=epochs,
            y=[None if value is None else _shown(value, percent) for value in values],
            name=name,
            mode="lines+markers" if len(epochs) < 4 else "lines",
            line={"color": colors[index % len(colors)], "dash": DASHES[index % len(DASHES)], "width": 2},
            hovertemplate="%{y:.1f} %" if percent else "%{y:.4g}",
        )
    )


def _shade(figure: Figure, phases: Phases, mode: Mode) -> None:
    """A quiet band behind every second phase, and each phase's name at its left end."""
    style, begin = STYLES[mode], 0.5
    for index, (name, epochs) in enumerate(phases):
        end = begin + epochs
        if index % 2 == 0 and len(phases) > 1:
            figure.add_vrect(
                x0=begin, x1=end, fillcolor=style.quiet, opacity=0.1, line_width=0, layer="below"
            )
        figure.add_annotation(
            x=begin,
            y=0,
            yref="paper",
            text=f"{index + 1} · {name}" if name else f"{index + 1}",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 11, "color": style.quiet},
        )
        begin = end
    figure.update_xaxes(range=[0.5, max(begin, 1.5)])


def _mark_best(figure: Figure, epoch: int, value: float, mode: Mode) -> None:
    from plotly.graph_objects import Scatter

    marker = {"symbol": "star", "size": 11, "color": COLORS[mode][0]}
    hover = "best so far<extra></extra>"
    figure.add_trace(
        Scatter(x=[epoch], y=[value], mode="markers", marker=marker, name="best epoch", hovertemplate=hover)
    )


def _shown(value: float, percent: bool) -> float:
    return 100 * value if percent else value
