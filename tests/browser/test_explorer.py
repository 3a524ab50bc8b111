"""The Explorer in a real browser: a lasso shows its images, a click its neighbours, Clear forgets both."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.waits import settled, until
from tests.dashboard import Place

pytestmark = pytest.mark.browser


def opened(tab: Any, server: str, query: str = "") -> Any:
    tab.set_default_timeout(120_000)  # the first map computes and loads what later ones find ready
    tab.goto(f"{server}/Explorer?model=synthetic-2&split=all{query}")
    tab.wait_for_selector(".js-plotly-plot .nsewdrag")
    tab.wait_for_function("document.querySelector('.js-plotly-plot')._fullLayout?._plots?.xy !== undefined")
    settled(tab)
    return tab


def lasso(tab: Any, share: float) -> None:
    """Draw an ellipse that reaches this share of the plot's sides from its middle."""
    box = tab.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    across, down = share * box["width"], share * box["height"]
    tab.mouse.move(x + across, y)
    tab.mouse.down()
    for step in range(1, 25):
        angle = step * math.pi / 12
        tab.mouse.move(x + across * math.cos(angle), y + down * math.sin(angle))
    tab.mouse.up()


def picked(tab: Any) -> int:
    text = tab.get_by_text(re.compile(r"^Picked: [\d,]+ images?$")).inner_text()
    return int(re.sub(r"\D", "", text))


def test_a_lasso_shows_its_images_and_recolouring_keeps_them(offline: Any, server: str) -> None:
    tab = opened(offline, server)
    lasso(tab, 0.46)
    tab.get_by_text(re.compile("^Picked: ")).wait_for()
    tab.wait_for_selector(".grid img")
    n = picked(tab)
    assert n > 1
    tab.get_by_text(f"1 – {min(12, n)} of {n}").wait_for() if n > 12 else None
    assert "Accuracy" in tab.locator("section.stMain, [data-testid=stMain]").first.inner_text()
    tab.get_by_role("combobox", name=re.compile("Colour by")).click()
    tab.get_by_role("option", name="Split").click()
    tab.wait_for_function(
        "[...document.querySelectorAll('.js-plotly-plot .legendtext')].some(e => e.textContent === 'train')"
    )
    settled(tab)
    assert picked(tab) == n
    tab.get_by_role("button", name="Clear").click()
    tab.get_by_text(re.compile("Draw around points")).wait_for()


def test_a_click_shows_the_nearest_neighbours(offline: Any, server: str) -> None:
    tab = opened(offline, server)
    where = """() => {
        const plot = document.querySelector(".js-plotly-plot"), layout = plot._fullLayout
        const trace = plot._fullData.find(found => found.customdata)
        const box = plot.querySelector(".nsewdrag").getBoundingClientRect()
        return [box.left + layout.xaxis.d2p(trace.x[0]), box.top + layout.yaxis.d2p(trace.y[0])]
    }"""

    def hovers() -> bool:
        x, y = tab.evaluate(where)
        tab.mouse.move(x - 20, y - 20)
        tab.mouse.move(x, y, steps=5)
        return bool(tab.evaluate("document.querySelector('.vitrine-hover')?.style.display === 'block'"))

    until(tab, hovers, "the point under the pointer is told")
    tab.mouse.down()
    tab.mouse.up()
    tab.get_by_text(re.compile("^Nearest to ")).wait_for()
    assert picked(tab) == 1
    near = tab.get_by_text(re.compile(r"distance \d\.\d{3}"))
    until(tab, lambda: near.count() == 12, "twelve neighbours are shown")


def test_the_picked_rows_can_be_taken_away(offline: Any, server: str, tmp_path: Any) -> None:
    tab = opened(offline, server)
    lasso(tab, 0.46)
    tab.get_by_text(re.compile("^Picked: ")).wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Rows as CSV").click()
    file = tmp_path / "rows.csv"
    download.value.save_as(file)
    lines = file.read_text("utf-8").splitlines()
    assert lines[0] == "path,split,instance_id,truth,prediction,confidence"
    assert len(lines) == 1 + picked(tab)


CANVAS = ".raster canvas"
READY = ".raster[data-state=ready]"
"""The picture of the window that was asked for last is on the screen."""


def redrawn(tab: Any) -> Any:
    """What happens in this block makes the map ask for another picture."""
    return tab.expect_response(lambda answer: ".png?x0" in answer.url)


def test_a_map_that_the_server_draws_is_zoomed_drawn_around_and_kept_as_a_slice(
    offline: Any, server: str, place: Place
) -> None:
    tab = offline
    tab.set_default_timeout(120_000)
    windows: list[str] = []
    tab.on("request", lambda asked: windows.append(asked.url) if ".png?x0" in asked.url else None)
    tab.goto(f"{server}/Explorer?model=synthetic-2&split=all&draw=picture")
    tab.wait_for_selector(CANVAS)
    tab.wait_for_selector(READY)
    box = tab.locator(CANVAS).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(*middle)
    with redrawn(tab):
        tab.mouse.wheel(0, -300)
    tab.wait_for_selector(READY)
    wide, near = (width_of(url) for url in (windows[0], windows[-1]))
    assert near < wide
    tab.get_by_role("button", name="Whole map").click()  # the browser may keep that picture and not ask again
    tab.wait_for_selector(READY)
    tab.mouse.move(box["x"] + 5, box["y"] + 5)
    tab.mouse.down()
    for share in ((1, 0), (1, 1), (0, 1)):
        tab.mouse.move(
            box["x"] + 5 + share[0] * (box["width"] - 10), box["y"] + 5 + share[1] * (box["height"] - 10)
        )
    tab.mouse.up()
    tab.get_by_text(re.compile("^Picked: ")).wait_for()
    tab.wait_for_selector(".grid img")
    assert picked(tab) == 400
    tab.wait_for_selector(READY)
    with redrawn(tab):
        tab.locator(".raster .legend button").first.click()  # a label is hidden
    tab.wait_for_selector(READY)
    assert "hide=0" in windows[-1]
    tab.locator("[data-testid=stMain]").get_by_role("button", name="Save as slice").click()
    field = tab.get_by_role("textbox", name=re.compile("Name of these 400"))
    field.last.fill("all of them")
    field.last.press("Enter")
    tab.get_by_text("Saved all of them").first.wait_for()
    try:
        tab.goto(f"{server}/Mistakes?model=synthetic-2&split=all&slice=all%20of%20them")
        tab.get_by_text(re.compile("slice: all of them")).first.wait_for()
    finally:
        for file in (place.saved / "slices").glob("*.json"):
            file.unlink()


def width_of(url: str) -> float:
    query = parse_qs(urlsplit(url).query)
    return float(query["x1"][0]) - float(query["x0"][0])


def test_an_image_is_located_from_its_details(offline: Any, server: str) -> None:
    tab = offline
    tab.set_default_timeout(120_000)
    tab.goto(f"{server}/Mistakes?model=synthetic-2&split=all")
    tab.locator("button.card").first.click()
    tab.get_by_role("link", name="Locate on the map").click()
    tab.wait_for_selector(".js-plotly-plot .nsewdrag")
    tab.get_by_text(re.compile("^.*The pin marks")).wait_for()
    tab.get_by_text(re.compile("^Nearest to ")).wait_for()
    assert picked(tab) == 1
    assert "at=" in tab.url
