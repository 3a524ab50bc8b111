"""Differences between checkpoints, each with its interval, about the line where they are equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.evaluation.estimate import Estimate
from core.figures.style import STYLES, Mode, faint, layout, percent, plain, whiskers

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ROW_HEIGHT = 34
MOST_ANSWERS = 30


def difference_figure(
    names: Sequence[str], differences: Sequence[Estimate], decided: Sequence[bool], mode: Mode = "light"
) -> Figure:
    """One row per name, the first on top: a paired difference in [-1, 1] in points with its 95 % interval.

    Filled marks are `decided`, open ones are not; NaN intervals have no bar.
    """
    from plotly.graph_objects import Figure, Scatter

    style = STYLES[mode]
    marks = Scatter(
        x=percent(differences),
        y=np.arange(len(names)),
        mode="markers",
        marker={
            "size": 11,
            "color": style.accent,
            "line": {"width": 2, "color": style.accent},
            "symbol": ["circle" if sure else "circle-open" for sure in decided],
        },
        error_x=whiskers(differences, mode),
        text=[
            f"{plain(name)}<br>{100 * found.value:+.1f} points "
            f"({100 * found.low:+.1f} to {100 * found.high:+.1f})<br>{found.support()}"
            for name, found in zip(names, differences, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    shape = layout(
        mode,
        height=70 + ROW_HEIGHT * max(2, len(names)),
        xaxis={"title": {"text": "difference in points"}, "fixedrange": True},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": [plain(name, 40) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "fixedrange": True,
            "showgrid": False,
        },
        showlegend=False,
    )
    figure = Figure(marks, shape)
    figure.add_vline(x=0, line={"color": style.quiet, "width": 1.5, "dash": "dot"})
    return figure


def answers_figure(
    labels: Sequence[str], matrix: npt.NDArray[np.int64], names: tuple[str, str], mode: Mode = "light"
) -> Figure:
    """Predictions of the first (rows) by predictions of the second (columns): `matrix` (L, L) counts images.

    Off the diagonal, where the two say different things, is drawn in another colour. Labels that neither ever
    predicts are left out; of the others the `MOST_ANSWERS` with the most disagreement are kept.
    """
    from plotly.graph_objects import Figure, Heatmap

    style = STYLES[mode]
    apart = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    used = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    kept = np.sort(used[np.argsort(-apart[used], kind="stable")[:MOST_ANSWERS]])
    shown = matrix[np.ix_(kept, kept)]
    ticks = [plain(labels[k], 24) for k in kept]
    same = np.eye(len(kept), dtype=bool)
    shared = {"x": np.arange(len(kept)), "y": np.arange(len(kept)), "showscale": False, "xgap": 1, "ygap": 1}
    hover = f"{plain(names[0])}: %{{customdata[0]}}<br>{plain(names[1])}: %{{customdata[1]}}<br>%{{z}} images"
    told = np.array([[(a, b) for b in ticks] for a in ticks], dtype=object)
    layers = [
        Heatmap(
            z=np.where((shown > 0) & where, shown, np.nan),
            zmin=0,
            zmax=max(1, int(shown[where].max(initial=0))),
            colorscale=[[0, faint(colour, 0.12)], [1, faint(colour, 0.85)]],
            text=np.where((shown > 0) & where, shown.astype(str), ""),
            texttemplate="%{text}",
            customdata=told,
            hovertemplate=hover + "<extra></extra>",
            hoverongaps=False,
            **shared,
        )
        for where, colour in ((same, style.accent), (~same, style.wrong))
    ]
    axis = {"tickvals": list(range(len(kept))), "ticktext": ticks, "fixedrange": True, "showgrid": False}
    shape = layout(
        mode,
        height=140 + 30 * max(3, len(kept)),
        xaxis={**axis, "title": {"text": f"{plain(names[1], 40)} says"}, "side": "top", "tickangle": -45},
        yaxis={**axis, "title": {"text": f"{plain(names[0], 40)} says"}, "autorange": "reversed"},
        showlegend=False,
    )
    return Figure(layers, shape)
