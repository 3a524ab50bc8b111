"""The matrix in a real browser: a click, the keyboard and a picture to save."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.waits import changed, loaded, shown, until

pytestmark = pytest.mark.browser

CELL = ".matrix svg .cell"


def opened(tab: Any, server: str, query: str = "") -> Any:
    tab.goto(f"{server}/Confusion?model=synthetic-2&split=all{query}")
    tab.wait_for_selector(CELL)
    tab.wait_for_selector(".grid img")
    return tab


def other_cells(tab: Any) -> list[Any]:
    """Cells that hold several images and are not the one that is open."""
    open_now = tab.locator(".readout").inner_text()
    found = [cell for cell in tab.locator(CELL).all() if int(cell.get_attribute("data-count")) > 3]
    return [cell for cell in found if name_of(tab, cell) not in open_now][:3]


def name_of(tab: Any, cell: Any) -> str:
    return f"{cell.get_attribute('data-truth')}~{cell.get_attribute('data-prediction')}"


def centre(tab: Any, cell: Any) -> tuple[float, float]:
    box = cell.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_click_shows_the_cells_images(offline: Any, server: str) -> None:
    tab = opened(offline, server)
    before = shown(tab)
    cell = other_cells(tab)[0]
    expected = int(cell.get_attribute("data-count"))
    tab.mouse.click(*centre(tab, cell))
    tab.wait_for_url(re.compile("cell="))
    tab.get_by_text(re.compile(rf": {expected:,} images, (right|wrong)")).wait_for()
    assert not set(changed(tab, before)) & set(before), "an image lies in one cell"
    assert loaded(tab).count() == min(expected, 12)
    said = tab.locator(".readout").filter(has_text=f"{expected:,} images")
    until(tab, said.count, "the readout tells the cell")


def test_arrow_keys_walk_and_enter_picks(offline: Any, server: str) -> None:
    tab = opened(offline, server)
    svg = tab.locator(".matrix svg")
    svg.focus()
    start = tab.locator(".readout").inner_text()
    for _ in range(tab.locator(CELL).count()):
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowLeft")
    assert tab.locator(".readout").inner_text() != start
    for _ in range(60):
        tab.keyboard.press("ArrowLeft")
    for _ in range(60):
        tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("cell="))
    corner = tab.locator(f'{CELL}[data-truth="0"][data-prediction="0"]').get_attribute("data-count")
    tab.get_by_text(re.compile(rf": {int(corner):,} images?, right")).wait_for()


def test_the_matrix_can_be_saved_as_a_picture(offline: Any, server: str, tmp_path: Path) -> None:
    tab = opened(offline, server)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save as PNG").click()
    file = tmp_path / "matrix.png"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(".png")
    with Image.open(file) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 10


def test_the_table_can_be_taken_away(offline: Any, server: str, tmp_path: Path) -> None:
    tab = opened(offline, server, "&norm=count")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Table as CSV").click()
    file = tmp_path / "matrix.csv"
    download.value.save_as(file)
    lines = file.read_text("utf-8").splitlines()
    total = sum(int(value) for line in lines[1:] for value in line.split(",")[1:])
    shown = sum(int(cell.get_attribute("data-count")) for cell in tab.locator(CELL).all())
    assert total == shown > 0
