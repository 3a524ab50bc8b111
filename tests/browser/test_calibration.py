"""Calibration in Chromium: the threshold tool and its link."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.browser


def test_a_moved_threshold_changes_the_sentence_and_the_link(tab: Any, server: str) -> None:
    tab.goto(server + "/Calibration?split=all&model=synthetic-2&t=50")
    sentence = tab.get_by_role("heading", name=re.compile("Answer only when ≥"))
    sentence.filter(has_text="≥ 0.50").wait_for()
    before = _coverage(sentence.inner_text())
    slider = tab.get_by_role("slider", name="Answer from this confidence on")
    slider.focus()
    slider.press("End")
    sentence.filter(has_text="≥ 1.00").wait_for()
    assert _coverage(sentence.inner_text()) < before
    tab.wait_for_function("() => location.search.includes('t=100')")


def _coverage(text: str) -> float:
    found = re.search(r"covers ([\d.]+) %", text)
    assert found is not None
    return float(found[1])
