"""What browser tests wait for: conditions of the page, never a length of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.dashboard import PATIENCE


def until(tab: Any, holds: Callable[[], Any], what: str, limit: float = PATIENCE) -> Any:
    """The first truthy answer of `holds`, asked again and again while the page goes on working."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        tab.wait_for_timeout(50)
    raise AssertionError(f"{what}: not within {limit:g} s")


def settled(tab: Any) -> None:
    """Wait until no script runs for this tab."""
    tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(state="attached")


def shown(tab: Any) -> list[str]:
    """The images of the gallery's cards, in their order, once there are any."""
    tab.wait_for_selector("button.card")
    found: list[str] = tab.locator("button.card").evaluate_all("all => all.map(card => card.dataset.id)")
    return found


def changed(tab: Any, before: list[str]) -> list[str]:
    """The images of the gallery once they are other ones, or in another order, than `before`."""
    return until(tab, lambda: (now := shown(tab)) != before and now, "the gallery changes")


def loaded(tab: Any) -> Any:
    """The cards of the gallery, once the picture of every one of them has arrived."""
    tab.wait_for_selector("button.card img.ready")
    until(
        tab,
        lambda: tab.locator("button.card img:not(.ready)").count() == 0,
        "all pictures of the gallery arrive",
    )
    return tab.locator("button.card")
