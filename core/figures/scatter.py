"""A map as a figure: typed arrays only, one integer per point to name its row, rings around mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.figures.pins import Pin, add_pins, focus_window
from core.figures.scatter_colours import PALETTES, SYMBOLS, SYMBOLS_3D, Colouring, Group, groups
from core.figures.style import STYLES, Mode, layout, plain

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Hover = Callable[[int], str]
MOST_HOVERS = 20_000
"""With more points than this no texts travel to the browser; hovering shows the label only."""


def scatter(
    coords: Floats,
    colouring: Colouring,
    rows: Rows,
    *,
    wrong: npt.NDArray[np.bool_] | None = None,
    context: Rows | None = None,
    highlighted: Rows | None = None,
    hover: Hover | None = None,
    axes: tuple[str, ...] = (),
    pins: Sequence[Pin] = (),
    mode: Mode = "light",
    height: int = 620,
) -> Figure:
    """The map `coords` (N, 2 or 3) of `rows` (M,), coloured by `colouring`.

    `wrong` (N,) bool puts rings around mistakes, `context` (K,) rows are drawn pale below, `highlighted` rows
    stand out and the others fade; `pins` are drawn above. `customdata` of a point is its row. `hover` gives a
    point's text. Rows without a place are left out.
    """
    from plotly.graph_objects import Figure

    rows = rows[np.isfinite(coords[rows, 0])]
    size = _size(len(rows)) * (1 if coords.shape[1] == 2 else 0.6)  # 3-D points hide what is behind
    texts = hover if len(rows) <= MOST_HOVERS else None
    figure = Figure(layout=_layout(coords.shape[1], axes, mode, height))
    if context is not None and len(context):
        figure.add_trace(_context(coords, context, size, mode))
    if colouring.values is not None:
        figure.add_trace(_gradient(coords, colouring, rows, size, texts, mode))
    for group in groups(colouring, rows):
        figure.add_trace(_points(coords, group, size, texts, mode))
    if highlighted is not None:
        _highlight(figure, highlighted)
    if wrong is not None and wrong[rows].any():
        figure.add_trace(_rings(coords, rows[wrong[rows]], size, mode))
    add_pins(figure, coords, pins, mode)
    window = focus_window(coords, pins)
    if window is not None and coords.shape[1] == 2:
        x, y = window
        figure.update_layout(xaxis_range=x, yaxis_range=y, uirevision=f"{x}{y}")
    return figure


def _points(coords: Floats, group: Group, size: float, hover: Hover | None, mode: Mode) -> Any:
    colours = PALETTES[mode]
    symbols = SYMBOLS if coords.shape[1] == 2 else SYMBOLS_3D
    rest = group.number < 0
    marker = {
        "size": size,
        "color": STYLES[mode].quiet if rest else colours[group.number % len(colours)],
        "symbol": symbols[0 if rest else group.number // len(colours) % len(symbols)],
        "opacity": 0.85,
    }
    return _trace(coords, group.rows, marker, name=plain(group.name), hover=hover)


def _gradient(
    coords: Floats, colouring: Colouring, rows: Rows, size: float, hover: Hover | None, mode: Mode
) -> Any:
    assert colouring.values is not None
    marker = {
        "size": size,
        "color": colouring.values[rows],
        "colorscale": "Cividis",
        "cmin": colouring.limits[0],
        "cmax": colouring.limits[1],
        "colorbar": {"title": {"text": plain(colouring.title)}, "thickness": 12, "len": 0.8},
        "opacity": 0.9,
    }
    return _trace(coords, rows, marker, name=plain(colouring.title), hover=hover, showlegend=False)


def _context(coords: Floats, rows: Rows, size: float, mode: Mode) -> Any:
    marker = {"size": 0.7 * size, "color": STYLES[mode].quiet, "opacity": 0.18}
    return _trace(coords, rows, marker, name="not in the selection", named=False, hoverinfo="skip")


def _rings(coords: Floats, rows: Rows, size: float, mode: Mode) -> Any:
    """Mistakes by shape, not by colour alone; hovering and clicking reach the point below."""
    marker = {
        "size": size + 6,
        "color": STYLES[mode].text,
        "symbol": "circle-open",
        "line": {"width": 1.6, "color": STYLES[mode].text},
    }
    return _trace(coords, rows, marker, name="wrong", named=False, hoverinfo="skip")


def _trace(
    coords: Floats,
    rows: Rows,
    marker: dict[str, Any],
    *,
    name: str,
    hover: Hover | None = None,
    named: bool = True,
    **more: Any,
) -> Any:
    from plotly.graph_objects import Scatter3d, Scattergl

    place = {axis: coords[rows, number] for number, axis in enumerate("xyz"[: coords.shape[1]])}
    if named:
        more["customdata"] = rows.astype(np.int32)
        more["hovertemplate"] = "%{text}<extra></extra>" if hover else f"{name}<extra></extra>"
    if hover is not None:
        more["text"] = [hover(int(row)) for row in rows]
    kind = Scattergl if coords.shape[1] == 2 else Scatter3d
    faded = {"marker": {"opacity": 0.12}}
    if coords.shape[1] == 2:
        more["unselected"] = faded
    return kind(**place, mode="markers", marker=marker, name=name, **more)


def _highlight(figure: Any, rows: Rows) -> None:
    for trace in figure.data:
        if trace.customdata is not None and trace.type == "scattergl":
            trace.selectedpoints = np.flatnonzero(np.isin(trace.customdata, rows)).astype(np.int32)


def _layout(dimensions: int, axes: tuple[str, ...], mode: Mode, height: int) -> dict[str, Any]:
    """Maps have no scale worth reading unless `axes` are named; both axes share one unit."""
    style = STYLES[mode]
    names = dict(zip("xyz", axes, strict=False))
    bare = {"showgrid": False, "showticklabels": False, "ticks": ""}
    more: dict[str, Any] = {
        f"{axis}axis": {
            **bare,
            "title": {"text": names.get(axis, ""), "font": {"size": 13, "color": style.quiet}},
        }
        for axis in "xyz"[:dimensions]
    }
    if dimensions == 3:
        ground = {
            "showbackground": False,
            "gridcolor": style.line,
            "zeroline": False,
            "showticklabels": False,
        }
        scene = {axis: {**ground, "title": value["title"]} for axis, value in more.items()}
        eye = dict.fromkeys("xyz", 1.5)  # far enough for the axes' titles
        more = {"scene": {**scene, "aspectmode": "data", "camera": {"eye": eye}}}
    else:
        more["yaxis"] = {**more["yaxis"], "scaleanchor": "x"}
        more["dragmode"] = "lasso"
    legend = {"itemsizing": "constant", "font": {"size": 12}, "y": -0.06, "yanchor": "top"}
    more["modebar"] = {"bgcolor": "rgba(0,0,0,0)", "color": style.quiet, "activecolor": style.accent}
    return layout(mode, height=height, legend=legend, uirevision="map", hovermode="closest", **more)


def _size(n: int) -> float:
    return 9.0 if n <= 1500 else 6.0 if n <= 20_000 else 3.5
