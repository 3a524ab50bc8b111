"""The Mistakes page in Chromium: pairs, rankings and pages change the pictures and the link."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.waits import changed, shown

pytestmark = pytest.mark.browser


def test_a_pair_narrows_and_its_link_reopens_it(tab: Any, server: str) -> None:
    tab.goto(server + "/Mistakes?split=all&model=synthetic-2")
    everything = shown(tab)
    pair = tab.get_by_test_id("stButtonGroup").get_by_role("radio").filter(has_text="→").first
    if not pair.count():
        pair = tab.get_by_role("button").filter(has_text="→").first
    n = int(pair.inner_text().split("·")[-1])
    pair.click()
    narrowed = changed(tab, everything)
    assert len(narrowed) == n and set(narrowed) <= set(everything) | set(narrowed)
    tab.wait_for_function("() => location.search.includes('pair=')")
    other = tab.context.new_page()
    other.goto(tab.url)
    assert shown(other) == narrowed


def test_another_ranking_changes_the_order_and_the_notes(tab: Any, server: str) -> None:
    tab.goto(server + "/Mistakes?split=all&model=synthetic-2")
    before = shown(tab)
    tab.get_by_text("Highest loss").click()
    changed(tab, before)
    notes = tab.locator("button.card .note").all_inner_texts()
    losses = [float(note.removeprefix("loss ")) for note in notes]
    assert losses == sorted(losses, reverse=True)
    tab.wait_for_function("() => location.search.includes('rank=loss')")


def test_second_page(tab: Any, server: str) -> None:
    tab.goto(server + "/Mistakes?split=all&model=synthetic-2&head=color")
    first = shown(tab)
    tab.get_by_role("button", name="Page 2").click()
    second = changed(tab, first)
    assert not set(first) & set(second)
