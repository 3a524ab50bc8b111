"""The first opening of a data set: one reading for all who ask, watched by a page, tried again if failed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import DataError
from pages.ui import opening


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    opening.forget()
    yield
    opening.forget()


def test_all_who_ask_wait_for_one_reading() -> None:
    go, reads, answers = threading.Event(), [], []

    def read(progress: Any) -> str:
        reads.append(progress)
        assert go.wait(60)
        return "read"

    threads = [threading.Thread(target=lambda: answers.append(opening.opened("k", read))) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(60)
    assert answers == ["read"] * 4
    assert len(reads) <= 4 and reads[0] is not opening.silent
    assert opening.opened("k", lambda progress: progress is opening.silent)


def test_a_failure_is_told_and_the_next_one_tries_again() -> None:
    def fail(progress: Any) -> str:
        raise DataError("No row can be used")

    with pytest.raises(DataError):
        opening.opened("k", fail)
    assert opening.opened("k", lambda progress: "read") == "read"


def test_a_page_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, drawn, draw = threading.Event(), [], opening._draw

    def look(place: Any, now: opening.Opening) -> None:
        draw(place, now)
        drawn.append((now.done, now.total))
        seen.set()

    monkeypatch.setattr(opening, "PATIENCE", 0.01)
    monkeypatch.setattr(opening, "_draw", look)
    monkeypatch.setattr(opening, "_event", seen, raising=False)

    def page() -> None:
        import streamlit as st

        from pages.ui import opening

        def read(progress: object) -> str:
            progress(3, 12, "Reading images")  # type: ignore[operator]
            assert opening._event.wait(60)  # type: ignore[attr-defined]
            return "read"

        with st.sidebar:
            st.text(opening.opened("k", read))

    app = AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    assert app.sidebar.text[0].value == "read"
    assert (3, 12) in drawn
