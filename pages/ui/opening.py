"""The first opening of a data set looks at every image once: a bar tells all who wait how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

from streamlit.delta_generator_singletons import get_dg_singleton_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.progress import Progress, silent

T = TypeVar("T")
PATIENCE = 0.3
"""Seconds that an opening takes before a bar is drawn, and between two looks at it."""


class Opening:
    """One reading in a thread of its own, and how far it is."""

    def __init__(self) -> None:
        self.future: Future[Any] = Future()
        self.done, self.total, self.note = 0, 0, ""

    def tell(self, done: int, total: int, note: str = "") -> None:
        """Take note of the progress."""
        self.done, self.total, self.note = done, total, note


_opened: set[Hashable] = set()
_openings: dict[Hashable, Opening] = {}
_lock = threading.Lock()


def opened(key: Hashable, read: Callable[[Progress], T]) -> T:
    """What `read` returns, raising what it raises. The first time for `key` it runs in a thread, once for all
    who ask, and a page shows a bar meanwhile; later it is called here: it keeps what it has read."""
    if key in _opened:
        return read(silent)
    with _lock:
        opening = _openings.get(key)
        if opening is None:
            opening = _openings[key] = Opening()
            threading.Thread(target=_run, args=(key, opening, read), daemon=True).start()
    if get_script_run_ctx(suppress_warning=True) is not None:
        _watch(opening)
    found: T = opening.future.result()
    return found


def forget() -> None:
    """Take every opening for the first one again."""
    _opened.clear()


def _run(key: Hashable, opening: Opening, read: Callable[[Progress], Any]) -> None:
    try:
        found = read(opening.tell)
    except BaseException as error:  # whatever it is, it is raised again where the result is asked for
        _openings.pop(key, None)  # before it is told: who hears of it may try again at once
        opening.future.set_exception(error)
    else:
        _opened.add(key)
        _openings.pop(key, None)
        opening.future.set_result(found)


def _watch(opening: Opening) -> None:
    """Draw the bar in the page's main part, wherever this is called, until the opening ends."""
    place = None
    while not _ended(opening.future):
        if place is None:
            place = get_dg_singleton_instance().main_dg.empty()
        _draw(place, opening)
    if place is not None:
        place.empty()


def _ended(future: Future[Any]) -> bool:
    try:
        future.exception(timeout=PATIENCE)
    except TimeoutError:
        return False
    return True


def _draw(place: Any, opening: Opening) -> None:
    share = min(1.0, opening.done / opening.total) if opening.total else 0.0
    of = f": {opening.done:,} / {opening.total:,}" if opening.total else ""
    place.progress(share, text=f"Opening the data set for the first time. {opening.note}{of}")
