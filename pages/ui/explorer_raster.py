"""Large maps on the Explorer: drawn by the server, picked by the polygon that the browser sends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.figures.pins import Pin, focus_window
from core.figures.raster import RASTER_FROM, Layer, colour_of, layer, nearest_row, rows_within
from core.figures.scatter_colours import Colouring
from core.figures.style import STYLES
from core.files import cache_key, sha256_bytes
from core.projection import Projection
from pages.ui import pictures, resources
from pages.ui.cards import caption_of
from pages.ui.explorer_colours import colouring
from pages.ui.explorer_hover import MOST
from pages.ui.explorer_picked import keep, picked_rows
from pages.ui.rasters import RASTERS, Published
from pages.ui.state import View
from pages.ui.theme import mode

_FOLDER = Path(__file__).parent
_RASTER = st.components.v2.component(
    "vitrine_raster",
    html='<div class="raster"></div>',
    css=(_FOLDER / "raster.css").read_text("utf-8"),
    js=(_FOLDER / "raster.js").read_text("utf-8"),
)
_KEY = "explorer.raster"
HEIGHT = 620
MOST_CORNERS = 400


def as_raster(view: View, projection: Projection, wanted: str) -> bool:
    """Whether the server draws the map: asked for, or too many points for the browser; flat maps only."""
    possible = projection.dimensions == 2 and pictures.served_by_route()
    many = int(projection.shown[view.rows].sum()) >= RASTER_FROM
    return possible and (wanted == "picture" or (wanted == "auto" and many))


def draw_raster(view: View, projection: Projection, colour: str, pins: Sequence[Pin]) -> None:
    """The map as a picture that is drawn anew for every window."""
    base = _layer((*view.key, projection.key, colour, mode()), view, projection, colour)
    marked = picked_rows(view)
    token = _token(view, projection, colour, marked)
    publish(view, token, base.with_marked(marked) if len(marked) else base)
    focus = focus_window(projection.coords, pins)
    data = {
        "token": token,
        "map": projection.key,
        "address": f"{pictures.base_path()}/img/map/{token}",
        "whole": base.whole().__dict__,
        "focus": focus and dict(zip(("x0", "x1", "y0", "y1"), (*focus[0], *focus[1]), strict=True)),
        "height": HEIGHT,
        "accent": STYLES[mode()].accent,
        "label": f"Map of {len(base.rows):,} images by {projection.parameters.text()}",
        **_legend(base, colouring(view, colour)),
        "pins": [_pin(projection, pin) for pin in pins],
    }

    def picked() -> None:
        keep(view, picked_of(base, st.session_state[_KEY].picked))

    _RASTER(key=_KEY, data=data, on_picked_change=picked)


def publish(view: View, token: str, drawn: Layer | None) -> None:
    """Let the routes answer for this map."""
    pictures.PICTURES.publish(view.dataset, resources.store())
    RASTERS.publish(token, lambda: Published(lambda row: about(view, row), drawn, len(view.dataset)))


def publish_words(view: View, points: int) -> str:
    """Where the browser asks what is known of a point, for maps too large to send it beforehand; "" else."""
    if points <= MOST or not pictures.served_by_route():
        return ""
    token = cache_key("words-1", view=list(view.key))
    publish(view, token, None)
    return f"{pictures.base_path()}/img/map/{token}"


def about(view: View, row: int) -> Mapping[str, str]:
    """What hovering says of one row: caption, both labels, confidence, and its thumbnail's address."""
    outcomes = view.outcomes
    names = (*outcomes.labels, "–")
    confidence = float(outcomes.confidence[row])
    sure = f" ({confidence:.0%})" if math.isfinite(confidence) else ""
    truth, prediction = names[outcomes.truth[row]], names[outcomes.prediction[row]]
    return {
        "caption": caption_of(view, row)[:60],
        "says": f"truth: {truth} · predicted: {prediction}{sure}",
        "src": pictures.thumbnail_address(view.dataset, row),
    }


def picked_of(found: Layer, event: object) -> npt.NDArray[np.int64]:
    """The rows that an event picks, inside a polygon or nearest to a point: a browser may send anything."""
    nothing = np.zeros(0, dtype=np.int64)
    if not isinstance(event, Mapping):
        return nothing
    polygon, point = event.get("polygon"), event.get("point")
    if isinstance(polygon, list) and 3 <= len(polygon) <= MOST_CORNERS:
        corners = _numbers(polygon)
        return nothing if corners is None or corners.shape[1:] != (2,) else rows_within(found, corners)
    place = _numbers([*point, event.get("reach")]) if isinstance(point, list) and len(point) == 2 else None
    row = None if place is None or place.shape != (3,) else nearest_row(found, *place.tolist())
    return nothing if row is None else np.array([row], dtype=np.int64)


def _numbers(values: object) -> npt.NDArray[np.float64] | None:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() and np.abs(found).max(initial=0) < 1e30 else None


def _token(view: View, projection: Projection, colour: str, marked: npt.NDArray[np.int64]) -> str:
    return cache_key(
        "raster-1",
        view=list(view.key),
        map=projection.key,
        colour=colour,
        mode=mode(),
        marked=sha256_bytes(marked.tobytes()) if len(marked) else "",
    )


def _pin(projection: Projection, pin: Pin) -> dict[str, Any]:
    rows = np.asarray(pin.rows if len(pin.rows) > 1 else (), dtype=np.int64)
    rings = projection.coords[rows[projection.shown[rows]]].tolist()
    return {"x": float(pin.place[0]), "y": float(pin.place[1]), "name": pin.name, "rings": rings}


def _legend(found: Layer, asked: Colouring) -> dict[str, Any]:
    named = [
        {"name": group.name, "count": len(group.rows), "colour": colour_of(group, found.mode)}
        for group in found.legend
    ]
    if asked.values is None:
        return {"legend": named, "gradient": None}
    colours = ["#" + found.palette[place].tobytes().hex() for place in range(0, 255, 32)]
    low, high = asked.limits
    return {
        "legend": [],
        "gradient": {"title": asked.title, "low": f"{low:.3g}", "high": f"{high:.3g}", "colours": colours},
    }


@st.cache_resource(show_spinner=False, max_entries=6)
def _layer(key: tuple[str, ...], _view: View, _projection: Projection, colour: str) -> Layer:
    wrong = np.asarray(_view.outcomes.scored & ~_view.outcomes.correct)
    return layer(_projection.coords, colouring(_view, colour), _view.rows, wrong, mode())
