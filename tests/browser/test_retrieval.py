"""The Retrieval page in Chromium: examples, links, side by side, an upload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.waits import settled, shown, until
from tests.dashboard import Place

pytestmark = pytest.mark.browser


def test_an_example_searches_and_its_link_reopens_it(tab: Any, server: str) -> None:
    tab.goto(server + "/Retrieval?split=all")
    tab.locator("[class*=st-key-retrieval-example-0] button").click()
    tab.wait_for_function("() => location.search.includes('text=')")
    found = shown(tab)
    note = tab.locator("button.card .note").first.inner_text()
    assert note.startswith("#1") and "\n" in note
    other = tab.context.new_page()
    other.goto(tab.url)
    assert shown(other) == found


def test_typing_searches_and_a_hit_opens_its_details(tab: Any, server: str) -> None:
    tab.goto(server + "/Retrieval?split=all")
    box = tab.get_by_role("textbox", name="Search")
    box.fill("large")
    box.press("Enter")
    shown(tab)
    tab.wait_for_function("() => location.search.includes('text=large')")
    tab.locator("button.card").first.click()
    tab.get_by_text("What each head says").wait_for()
    tab.wait_for_url(re.compile("image="))


def test_side_by_side(tab: Any, server: str) -> None:
    tab.goto(server + "/Retrieval?split=all&text=large&models=beside")
    tab.get_by_role("heading", name="synthetic-2").wait_for()
    tab.locator("button.card").nth(23).wait_for()
    notes = tab.locator("button.card .note").all_inner_texts()
    assert len(notes) == 24
    assert all(any(mark in note.split("\n")[0] for mark in "▲▼=") for note in notes)


def test_an_upload_finds_itself(tab: Any, server: str, place: Place) -> None:
    picture = sorted(Path(place.data).rglob("*.jpg"))[3]
    tab.goto(server + "/Retrieval?split=all&mode=image")
    tab.get_by_text("Upload a photograph or choose").wait_for()
    tab.locator("input[type=file]").set_input_files(str(picture))
    tab.get_by_text("ranked by image", exact=False).or_(
        tab.get_by_text("Best 24", exact=False)
    ).first.wait_for(timeout=120_000)
    assert len(shown(tab)) >= 24


def test_scoreboard_opens_its_worst_query(tab: Any, server: str) -> None:
    tab.goto(server + "/Retrieval?mode=board&split=all")
    tab.locator(".board").wait_for()
    assert "A random order" in tab.locator(".board").inner_text()
    rows = tab.get_by_test_id("stDataFrame").locator("canvas").first

    def searched() -> bool:
        """A click that came before the table listened is lost, and another one is due."""
        rows.click(position={"x": 12, "y": 52}, force=True)
        tab.wait_for_timeout(3000)
        return "text=" in tab.url

    rows.wait_for()
    settled(tab)
    until(tab, searched, "the click on a query searches for it")
    shown(tab)


def test_the_details_of_an_image_lead_to_images_like_it(tab: Any, server: str) -> None:
    tab.goto(server + "/Retrieval?split=all&text=large")
    wanted = shown(tab)[0]
    tab.locator("button.card").first.click()
    tab.get_by_text("What each head says").wait_for()
    settled(tab)
    tab.get_by_role("button", name="Find images like this").click()
    tab.wait_for_function(f"() => location.search.includes('like={wanted}')")
    tab.get_by_text("Choose an image of the data set").wait_for()
    tab.get_by_text(re.compile("ranked by image in .* among 400 images")).wait_for()
    assert "split=all" in tab.url and "mode=image" in tab.url
