"""HTTP routes for pictures: `/img/{sha}.jpg` and `/img/full/{fingerprint}/{image_id}.jpg`.

Addresses hold content hashes, so an answer never changes and browsers keep it. They are validated before
anything is looked up, and only pictures of opened data sets are served. A login, where there is one, is
checked by the server's middleware (`pages/ui/login.py`): Streamlit's own does not cover routes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import VitrineError
from pages.ui.pictures import PICTURES, base_path, serve_by_route
from pages.ui.rasters import map_routes

SHA = re.compile(r"[0-9a-f]{64}")
FINGERPRINT = re.compile(r"[0-9a-f]{32}")
IMAGE_ID = re.compile(r"[0-9a-f]{16}")

ALWAYS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
KEPT = {**ALWAYS, "Cache-Control": "private, max-age=31536000, immutable"}
PASSING = {**ALWAYS, "Cache-Control": "no-store"}

UNREADABLE = """
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 192 192" role="img" aria-label="unreadable image">
<rect width="192" height="192" fill="#8881"/>
<g fill="none" stroke="#888" stroke-width="5" stroke-linecap="round">
<path d="M60 52h72v64l-18-20-16 18-14-14-24 26zM60 52v74"/><path d="M48 40l96 96"/></g>
<text x="96" y="164" fill="#888" font-family="sans-serif" text-anchor="middle">unreadable</text>
</svg>
""".strip()


def thumbnail(request: Request) -> Response:
    """The thumbnail of the image with this SHA-256."""
    sha = request.path_params["sha"]
    if not SHA.fullmatch(sha):
        return _unknown()
    return _picture(request, f'"t-{sha}"', lambda: PICTURES.thumbnail(sha))


def full(request: Request) -> Response:
    """The full-size view of one image of one opened data set."""
    fingerprint, image_id = request.path_params["fingerprint"], request.path_params["image_id"]
    if not (FINGERPRINT.fullmatch(fingerprint) and IMAGE_ID.fullmatch(image_id)):
        return _unknown()
    return _picture(request, f'"f-{fingerprint}-{image_id}"', lambda: PICTURES.full(fingerprint, image_id))


def _picture(request: Request, tag: str, read: Callable[[], bytes | None]) -> Response:
    try:
        data = read()
    except VitrineError:
        return Response(UNREADABLE, media_type="image/svg+xml", headers=PASSING)
    if data is None:
        return _unknown()
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**KEPT, "ETag": tag})
    return Response(data, media_type="image/jpeg", headers={**KEPT, "ETag": tag})


def _unknown() -> Response:
    return Response("No such picture.\n", status_code=404, media_type="text/plain", headers=PASSING)


def picture_routes(base: str = "") -> list[Route]:
    """The routes below `base`, and the note that pages may use them."""
    serve_by_route()
    return [
        Route(f"{base}/img/{{sha}}.jpg", thumbnail),
        Route(f"{base}/img/full/{{fingerprint}}/{{image_id}}.jpg", full),
    ]


ROUTES = [*picture_routes(base_path()), *map_routes(base_path())]
FOLDER = f"{base_path()}/img/"
"""What the addresses of all routes begin with."""
