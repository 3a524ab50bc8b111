"""The gallery in Chromium: pictures arrive and are kept, cards open details, keys move between cards."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browser.waits import loaded, settled, until
from tests.dashboard import PATIENCE

pytestmark = pytest.mark.browser
VIEW = "/Mistakes?split=all&model=synthetic-2"


def test_pictures_come_from_the_route_and_are_kept(tab: Any, server: str) -> None:
    seen: list[Any] = []
    tab.on("response", lambda answer: seen.append(answer) if "/img/" in answer.url else None)
    tab.goto(server + VIEW)
    found = loaded(tab)
    assert seen and all(answer.status == 200 for answer in seen)
    assert all("immutable" in answer.headers["cache-control"] for answer in seen)
    first = found.first.locator("img")
    assert first.evaluate("img => img.naturalWidth") > 0 and first.get_attribute("alt")


def test_click_opens_details_and_the_link_reopens_them(tab: Any, server: str) -> None:
    tab.goto(server + VIEW)
    found = loaded(tab)
    image_id = found.first.get_attribute("data-id")
    found.first.click()
    drawer = tab.get_by_role("dialog")
    drawer.get_by_text("What each head says").wait_for()
    tab.wait_for_url(re.compile(f"image={image_id}"))
    drawer.locator(".head").first.wait_for()
    link = tab.url

    tab.keyboard.press("Escape")
    drawer.wait_for(state="detached")
    tab.wait_for_function("() => !location.search.includes('image=')")

    other = tab.context.new_page()
    other.goto(link)
    again = other.get_by_role("dialog")
    again.locator(".head").first.wait_for()
    full = again.locator(f"img[src*='{image_id}']")
    full.wait_for()
    assert full.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0


def near_images(drawer: Any) -> list[str]:
    found: list[str] = drawer.locator("button.card").evaluate_all("all => all.map(card => card.dataset.id)")
    return found


def test_next_walks_through_the_page(tab: Any, server: str) -> None:
    tab.goto(server + VIEW)
    ids = loaded(tab).evaluate_all("all => all.map(card => card.dataset.id)")
    tab.locator("button.card").nth(0).click()
    drawer = tab.get_by_role("dialog")
    drawer.locator(".head").first.wait_for()
    assert drawer.get_by_role("button", name="Previous").is_disabled()
    near = near_images(drawer)
    drawer.get_by_role("button", name="Next").click()
    tab.wait_for_url(re.compile(f"image={ids[1]}"))
    until(tab, lambda: near_images(drawer) != near, "the near images are those of the next image")
    settled(tab)
    drawer.locator("button.card").first.click()  # a near image takes its place in the same drawer
    tab.wait_for_function("ids => !ids.some(id => location.search.includes(id))", arg=ids[:2])


def test_keys_move_between_cards_and_open_one(tab: Any, server: str) -> None:
    tab.goto(server + VIEW)
    settled(tab)
    loaded(tab).first.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("End")
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowUp")
    focused = "() => { let e = document.activeElement; while (e.shadowRoot) e = e.shadowRoot.activeElement; "
    assert tab.evaluate(focused + "return e.dataset.id }") == loaded(tab).first.get_attribute("data-id")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    tab.get_by_role("dialog").locator(".head").first.wait_for()
    tab.wait_for_url(re.compile("image=" + str(loaded(tab).nth(1).get_attribute("data-id"))))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wrong_is_marked_by_icon_and_colour_in_both_themes(chromium: Any, server: str, scheme: Any) -> None:
    context = chromium.new_context(color_scheme=scheme)
    context.set_default_timeout(1000 * PATIENCE)
    try:
        tab = context.new_page()
        tab.goto(server + VIEW)
        card = loaded(tab).first
        said, body = card.locator(".said"), card.locator(".truth")
        colours = [part.evaluate("part => getComputedStyle(part).color") for part in (said, body)]
        assert colours[0] != colours[1] and said.locator("svg.mark").count() == 1
        assert "wrong" in str(card.get_attribute("aria-label"))
    finally:
        context.close()
