"""Maps that are drawn by the server: layers held ready, and the routes that answer for one of them.

All lie below `/img/`, where a login is checked. `map/{token}.png?x0=&x1=&y0=&y1=&w=&h=[&hide=]` is a window
as a picture, `map/{token}/at?x=&y=&reach=` the point nearest to a place, `map/{token}/row?row=` what is known
of a row. A token is a hash over what is drawn; only layers that a page has published are answered for.
"""

from __future__ import annotations

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.figures.raster import LARGEST, SHADES, Layer, Window, nearest_row, rasterise

TOKEN = re.compile(r"[0-9a-f]{32}")
MOST_LAYERS = 24
"""Layers held at a time: their arrays are mostly shared."""
HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
KEPT = {**HEADERS, "Cache-Control": "private, max-age=600"}
PASSING = {**HEADERS, "Cache-Control": "no-store"}
About = Callable[[int], Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Published:
    """A layer, and what to say of one of its rows (texts; "src" is the address of its thumbnail)."""

    about: About
    layer: Layer | None = None
    """None where the browser draws the points itself and asks for words only."""
    rows: int = 0
    """Rows of the data set."""


class Rasters:
    """The published layers, the least recently used dropped first; safe between threads."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Published] = OrderedDict()
        self._lock = threading.Lock()

    def publish(self, token: str, make: Callable[[], Published]) -> Published:
        """Hold what `make` returns under `token`, where nothing is held there yet."""
        found = self.find(token)
        if found is None:
            found = make()
            with self._lock:
                self._held[token] = found
                while len(self._held) > MOST_LAYERS:
                    self._held.popitem(last=False)
        return found

    def find(self, token: str) -> Published | None:
        """What is held under `token`, now the most recently used."""
        with self._lock:
            if token in self._held:
                self._held.move_to_end(token)
            return self._held.get(token)


RASTERS = Rasters()
"""The process's layers: published by the Explorer, read by the routes."""


def picture(request: Request) -> Response:
    """One window of a layer as PNG."""
    from PIL import Image

    found = _asked(request)
    if found is None or found.layer is None:
        return _unknown()
    try:
        numbers = {name: float(request.query_params[name]) for name in ("x0", "x1", "y0", "y1")}
        width, height = (int(request.query_params[name]) for name in ("w", "h"))
        hidden = frozenset(int(part) for part in request.query_params.get("hide", "").split(".") if part)
    except (KeyError, ValueError):
        return _senseless()
    window = Window(**numbers)
    sides_fit = 1 <= width <= LARGEST and 1 <= height <= LARGEST
    if not (window.sound() and sides_fit and all(0 <= place < SHADES for place in hidden)):
        return _senseless()
    stream = io.BytesIO()
    Image.fromarray(rasterise(found.layer, window, width, height, hidden)).save(
        stream, "PNG", compress_level=1
    )
    return Response(stream.getvalue(), media_type="image/png", headers=KEPT)


def nearest(request: Request) -> Response:
    """What is known of the point nearest to a place; {} where there is none."""
    found = _asked(request)
    if found is None or found.layer is None:
        return _unknown()
    try:
        x, y, reach = (float(request.query_params[name]) for name in ("x", "y", "reach"))
    except (KeyError, ValueError):
        return _senseless()
    row = nearest_row(found.layer, x, y, reach)
    return _words(found, row)


def words(request: Request) -> Response:
    """What is known of one row."""
    found = _asked(request)
    if found is None:
        return _unknown()
    text = request.query_params.get("row", "")
    row = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    return _words(found, row) if 0 <= row < found.rows else _senseless()


def _words(found: Published, row: int | None) -> Response:
    said = {} if row is None else {"row": row, **found.about(row)}
    return JSONResponse(said, headers=PASSING)


def _asked(request: Request) -> Published | None:
    token = request.path_params["token"]
    return RASTERS.find(token) if TOKEN.fullmatch(token) else None


def _unknown() -> Response:
    return Response("No such map.\n", status_code=404, media_type="text/plain", headers=PASSING)


def _senseless() -> Response:
    return Response("No such window.\n", status_code=400, media_type="text/plain", headers=PASSING)


def map_routes(base: str = "") -> list[Route]:
    """The routes below `base`."""
    return [
        Route(f"{base}/img/map/{{token}}.png", picture),
        Route(f"{base}/img/map/{{token}}/at", nearest),
        Route(f"{base}/img/map/{{token}}/row", words),
    ]
