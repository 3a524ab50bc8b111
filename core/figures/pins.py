"""Pins on a map: where a query or one image lies, and rings around the images that it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.figures.style import STYLES, Mode

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pin:
    """A named `place` (d,) on the map; `rows` that it stands for; `focus` where the map should turn to it."""

    name: str
    place: Floats
    rows: tuple[int, ...] = ()
    focus: bool = False


def focus_window(
    coords: Floats, pins: Sequence[Pin]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The ranges of x and y, a tenth of the map, around the first pin that the map should turn to."""
    pin = next((pin for pin in pins if pin.focus), None)
    if pin is None:
        return None
    shown = coords[np.isfinite(coords[:, 0])]
    half = 0.05 * float(np.ptp(shown, axis=0).max()) or 1.0
    x, y = float(pin.place[0]), float(pin.place[1])
    return (x - half, x + half), (y - half, y + half)


def add_pins(figure: Figure, coords: Floats, pins: Sequence[Pin], mode: Mode) -> None:
    """Draw `pins` above the map `coords` (N, 2 or 3)."""
    from plotly.graph_objects import Scatter3d, Scattergl

    flat = coords.shape[1] == 2
    kind = Scattergl if flat else Scatter3d
    accent = STYLES[mode].accent
    for pin in pins:
        rows = np.asarray(pin.rows, dtype=np.int64)
        rows = rows[np.isfinite(coords[rows, 0])]
        if len(rows) > 1:
            marker = {
                "size": 14,
                "color": accent,
                "symbol": "circle-open",
                "line": {"width": 2, "color": accent},
            }
            around = dict(zip("xyz", coords[rows].T, strict=False))
            name = f"hits of {pin.name}".replace("<", "&lt;")
            figure.add_trace(kind(**around, mode="markers", marker=marker, name=name, hoverinfo="skip"))
        marker = {
            "size": 20 if flat else 8,
            "color": accent,
            "symbol": "circle-cross-open" if flat else "cross",
            "line": {"width": 3, "color": accent},
        }
        place = {axis: np.asarray([value]) for axis, value in zip("xyz", pin.place, strict=False)}
        name = pin.name.replace("&", "&amp;").replace("<", "&lt;")
        figure.add_trace(
            kind(
                **place,
                mode="markers+text",
                marker=marker,
                name=f"pin: {name}",
                text=[name],
                textposition="top center",
                hoverinfo="skip",
            )
        )
