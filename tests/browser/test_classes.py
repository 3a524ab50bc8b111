"""The Classes page in Chromium: a click on a bar looks at its class in depth."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from tests.browser.waits import settled, until

pytestmark = pytest.mark.browser


def test_a_bar_opens_its_class(offline: Any, server: str) -> None:
    tab = offline
    tab.goto(f"{server}/Classes?model=synthetic-2&split=all")
    bar = tab.locator(".js-plotly-plot .bars .point path").nth(2)
    bar.wait_for(state="attached")
    settled(tab)
    box = tab.get_by_role("combobox", name=re.compile("Class in depth"))
    before = box.input_value()

    def opened() -> bool:
        place = bar.bounding_box()
        tab.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        tab.wait_for_timeout(2000)
        return "class=" in tab.url

    until(tab, opened, "a click on a bar puts its class into the link")
    label = parse_qs(urlparse(tab.url).query)["class"][0]
    assert label != before
    until(tab, lambda: box.input_value() == label, "the class in depth is the bar's")
    tab.get_by_text(re.compile(f"^{re.escape(label)}: F1")).wait_for()
