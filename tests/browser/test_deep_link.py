"""Links on a fresh server, reload, and what the server process holds in memory."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlparse

import psutil
import pytest

from tests.browser.waits import until
from tests.dashboard import Place, serving

pytestmark = pytest.mark.browser

HEAVY = ("libtorch", "umap", "openvino")


def loaded_libraries(port: int) -> list[str]:
    """Heavy libraries mapped into the process that listens on `port`."""
    for process in psutil.process_iter(["pid"]):
        try:
            if any(c.status == "LISTEN" and c.laddr.port == port for c in process.net_connections("tcp")):
                maps = {mapped.path for mapped in process.memory_maps()}
                return [path for path in maps if any(name in path for name in HEAVY)]
        except psutil.Error:
            continue
    raise AssertionError(f"no process listens on {port}")


def test_a_link_to_a_page_works_on_a_fresh_server(place: Place, offline: Any) -> None:
    with serving(place) as fresh:
        offline.goto(f"{fresh}/Confusion?model=synthetic-2&split=train&outcome=wrong&norm=count")
        offline.wait_for_selector(".matrix svg .cell")
        offline.get_by_text("train split · only wrong").wait_for()
        asked = parse_qs(urlparse(offline.url).query)
        assert asked["model"] == ["synthetic-2"]
        assert asked["split"] == ["train"]
        assert asked["outcome"] == ["wrong"]
        assert asked["norm"] == ["count"]
        until(offline, lambda: offline.get_by_role("link", name="Overview").count() == 1, "one door")
        for name in ("Overview", "Classes", "Mistakes"):
            offline.get_by_role("link", name=name).first.click()
            offline.get_by_role("heading", name=name, exact=True).wait_for()
        assert loaded_libraries(urlparse(fresh).port or 0) == []


def test_a_reload_keeps_the_view(offline: Any, server: str) -> None:
    offline.goto(f"{server}/?model=synthetic-2&split=all")
    offline.wait_for_selector(".board")
    offline.get_by_role("link", name="Show in the matrix").first.click()
    offline.wait_for_selector(".matrix svg .cell")
    offline.wait_for_url(re.compile("cell="))
    offline.mouse.move(1, 1)  # the readout tells the cell below the pointer
    told = offline.locator(".readout").inner_text()
    offline.reload()
    offline.wait_for_selector(".matrix svg .cell")
    until(offline, lambda: offline.locator(".readout").inner_text() == told, "the same cell is told")


def test_filters_survive_another_page(offline: Any, server: str) -> None:
    offline.goto(f"{server}/Classes?model=synthetic-2&split=val&conf=0.5000-1.0000")
    offline.get_by_text("confidence 0.50 to 1.00").first.wait_for()
    offline.get_by_role("link", name="Confusion").click()
    offline.wait_for_selector(".matrix svg .cell")
    offline.get_by_text("confidence 0.50 to 1.00").first.wait_for()
    offline.wait_for_url(re.compile("conf=0.5000-1.0000"))
