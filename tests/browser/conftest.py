"""One server on synthetic data and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.dashboard import chromium, place, server, serving, tab

__all__ = ["chromium", "place", "server", "serving", "tab"]


@pytest.fixture
def offline(tab: Any) -> Iterator[Any]:
    """A tab that fails the test if the page asks for anything beyond this machine."""
    asked: list[str] = []

    def only_here(route: Any) -> None:
        if route.request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    tab.route("**/*", only_here)
    yield tab
    assert asked == []
