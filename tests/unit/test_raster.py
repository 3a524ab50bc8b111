"""Maps as pictures: every point is in its pixel, colours are means, picks are exact, no nonsense is drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.figures.raster import Window, layer, nearest_row, rasterise, rows_within
from core.figures.scatter_colours import PALETTES, Colouring
from pages.ui.rasters import MOST_LAYERS, RASTERS, Published, Rasters, map_routes

COORDS = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [np.nan, np.nan], [0.5, 0.5]], np.float32)
CODES = np.array([0, 1, 0, 1, 0, -1], np.int32)
WRONG = np.array([1, 0, 0, 0, 0, 0], bool)
LABELS = Colouring("kind", ("cup", "pan"), CODES)
TOKEN = "a" * 32


def made(colouring: Colouring = LABELS, **more):
    return layer(COORDS, colouring, np.arange(6), WRONG, "light")


def colours(picture: np.ndarray) -> set[str]:
    shown = picture[picture[..., 3] > 0]
    return {"#" + bytes(pixel).hex().upper() for pixel in shown[:, :3]}


def test_points_lie_in_their_pixels_with_their_labels_colour() -> None:
    found = made()
    picture = rasterise(found, found.whole(), 400, 400)
    across = (COORDS[:4] + 0.03) / 1.06 * 400
    for (x, y), code in zip(across.astype(int), CODES[:4], strict=True):
        pixel = picture[399 - y, x]
        assert "#" + bytes(pixel[:3]).hex().upper() == PALETTES["light"][code]
        assert pixel[3] > 200
    assert [(group.name, len(group.rows)) for group in found.legend] == [
        ("cup", 2),
        ("pan", 2),
        ("not known", 1),
    ]


def test_a_window_shows_its_points_alone_and_hidden_labels_none() -> None:
    found = made()
    left = Window(-0.5, 0.4, -0.5, 1.5)
    assert PALETTES["light"][1] not in colours(rasterise(found, left, 100, 100))
    assert PALETTES["light"][0] in colours(rasterise(found, left, 100, 100))
    without = colours(rasterise(found, found.whole(), 100, 100, frozenset({0})))
    assert PALETTES["light"][0] not in without
    assert not rasterise(found, Window(5, 6, 5, 6), 50, 50).any()


def test_many_points_in_a_pixel_have_their_mean_colour_and_more_of_it() -> None:
    n = 200_000
    coords = np.zeros((n, 2), np.float32)
    coords[: n // 4, 0] = 1
    codes = np.arange(n, dtype=np.int32) % 2
    found = layer(coords, Colouring("kind", ("cup", "pan"), codes), np.arange(n), np.zeros(n, bool), "light")
    picture = rasterise(found, Window(-1, 2, -1, 1), 30, 20)
    dense, thin = picture[9:11, 10].max(axis=0), picture[9:11, 20].max(axis=0)
    expected = [
        (int(one, 16) + int(other, 16)) / 2
        for one, other in zip(
            *([c[k : k + 2] for k in (1, 3, 5)] for c in PALETTES["light"][:2]), strict=True
        )
    ]
    assert np.abs(dense[:3].astype(float) - expected).max() <= 1
    assert dense[3] == 255 > thin[3] > 0


def test_mistakes_are_ringed_when_near_and_marked_rows_stand_out() -> None:
    found = made()
    plain = layer(COORDS, LABELS, np.arange(6), np.zeros(6, bool), "light")
    near = Window(-0.2, 1.2, -0.2, 1.2)
    assert (rasterise(found, near, 200, 200) != rasterise(plain, near, 200, 200)).any()
    marked = rasterise(plain.with_marked(np.array([1])), near, 200, 200)
    strong = marked[marked[..., 3] > 200]
    assert {"#" + bytes(pixel).hex().upper() for pixel in strong[:, :3]} == {PALETTES["light"][1]}


def test_numbers_run_along_a_gradient_and_unknown_ones_are_quiet() -> None:
    values = np.array([0, 1, 0, 1, 0, np.nan], np.float32)
    found = made(Colouring("confidence", values=values))
    assert found.shade[0] == 0
    assert found.shade[1] == 254
    assert found.shade[5] == 255
    assert len(colours(rasterise(found, found.whole(), 300, 300))) >= 3


def test_what_is_drawn_around_is_picked_and_the_nearest_is_near() -> None:
    found = made()
    triangle = np.array([[-0.1, -0.1], [1.2, -0.1], [-0.1, 1.2]])
    assert rows_within(found, triangle).tolist() == [0, 1, 2, 5]
    assert rows_within(found, np.array([[3.0, 3.0], [4.0, 3.0], [4.0, 4.0]])).tolist() == []
    assert nearest_row(found, 0.9, 0.1, 0.3) == 1
    assert nearest_row(found, 0.75, 0.25, 0.1) is None


def test_a_large_lasso_picks_what_a_point_by_point_test_picks() -> None:
    from matplotlib.path import Path

    draw = np.random.default_rng(0)
    coords = draw.normal(0, 1, (20_000, 2)).astype(np.float32)
    found = layer(
        coords,
        Colouring("none", ("a",), np.zeros(20_000, np.int32)),
        np.arange(20_000),
        np.zeros(20_000, bool),
        "light",
    )
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.c_[np.cos(angle), np.sin(angle)] * (1 + 0.4 * np.sin(5 * angle))[:, None]
    exact = np.flatnonzero(Path(ring).contains_points(coords))
    assert rows_within(found, ring).tolist() == exact.tolist()


@pytest.fixture
def client() -> TestClient:
    RASTERS.publish(TOKEN, lambda: Published(lambda row: {"caption": f"<{row}>"}, made(), 6))
    return TestClient(Starlette(routes=map_routes("/base")))


def test_the_routes_answer_for_a_window_a_place_and_a_row(client: TestClient) -> None:
    answer = client.get(f"/base/img/map/{TOKEN}.png?x0=-1&x1=2&y0=-1&y1=2&w=90&h=60&hide=0.1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (90, 60)
    assert client.get(f"/base/img/map/{TOKEN}/at?x=0.95&y=0&reach=0.2").json() == {"row": 1, "caption": "<1>"}
    assert client.get(f"/base/img/map/{TOKEN}/at?x=9&y=9&reach=0.2").json() == {}
    assert client.get(f"/base/img/map/{TOKEN}/row?row=5").json() == {"row": 5, "caption": "<5>"}


@pytest.mark.parametrize(
    "asked",
    [
        ".png?x0=0&x1=0&y0=0&y1=1&w=9&h=9",
        ".png?x0=nan&x1=1&y0=0&y1=1&w=9&h=9",
        ".png?x0=-1e308&x1=1e308&y0=0&y1=1&w=9&h=9",
        ".png?x0=0&x1=1&y0=0&y1=1&w=9000&h=9",
        ".png?x0=0&x1=1&y0=0&y1=1&w=0&h=9",
        ".png?x0=0&x1=1&y0=0&y1=1&w=9&h=9&hide=999",
        ".png?x0=0",
        "/at?x=a&y=0&reach=1",
        "/row?row=6",
        "/row?row=-1",
        "/row?row=²",
    ],
)
def test_a_window_without_sense_is_refused(client: TestClient, asked: str) -> None:
    assert client.get(f"/base/img/map/{TOKEN}{asked}").status_code == 400


@pytest.mark.parametrize("token", ["b" * 32, "A" * 32, "..%2f..%2fetc", "a"])
def test_a_map_that_no_page_published_is_unknown(client: TestClient, token: str) -> None:
    assert client.get(f"/base/img/map/{token}.png?x0=0&x1=1&y0=0&y1=1&w=9&h=9").status_code == 404


def test_the_oldest_layers_are_dropped() -> None:
    held = Rasters()
    for number in range(MOST_LAYERS + 1):
        held.publish(f"{number:032x}", lambda: Published(lambda row: {}))
    assert held.find(f"{0:032x}") is None
    assert held.find(f"{MOST_LAYERS:032x}") is not None
