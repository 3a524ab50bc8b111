"""Compare in Chromium: the sentence to quote, who alone is right on which images, answers, ensemble."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def test_two_checkpoints_are_told_apart_or_not_with_their_images(tab: Any, server: str) -> None:
    tab.set_default_timeout(120_000)
    tab.goto(server + "/Compare?split=all&model=synthetic-2&with=synthetic-2,synthetic-1")
    quoted = tab.get_by_text(re.compile(r"is ahead of .* points on 400 images of \d+ objects; that is")).first
    quoted.wait_for()
    only = tab.get_by_role("tab", name=re.compile(r"Only synthetic-2 right · \d+"))
    only.click()
    shown = tab.get_by_role("tabpanel").filter(visible=True).locator("img")
    shown.first.wait_for()
    tab.get_by_role("tab", name="Answers").click()
    tab.get_by_text(re.compile(r"the same on \d+ of 400 images")).wait_for()
    tab.get_by_text("synthetic-2 says").first.wait_for()
    tab.get_by_text("It runs every member").first.wait_for()
