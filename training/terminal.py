"""Progress in a terminal."""

from __future__ import annotations

import os
import time
from typing import TextIO

from core.progress import LINES, Progress, json_lines

_WIDTH = 30
_INTERVAL = 0.1
"""Seconds between two drawings of the bar."""


def progress_bar(stream: TextIO) -> Progress:
    """A callback that draws a bar on `stream`; where that is no terminal, a line per kind of work.

    With VITRINE_PROGRESS=lines it reports to the program that started this one instead.
    """
    if os.environ.get(LINES) == "lines":
        return json_lines
    last_note, last_time = "", 0.0
    terminal = stream.isatty()

    def show(done: int, total: int, note: str) -> None:
        nonlocal last_note, last_time
        finished = total > 0 and done >= total
        fresh = note != last_note
        if not fresh and not finished and (not terminal or time.monotonic() - last_time < _INTERVAL):
            return
        if terminal:
            stream.write(f"\r\x1b[K{_bar(done, total)} {note}" + ("\n" if finished else ""))
        elif fresh or finished:
            stream.write(f"{note}: {done} / {total}\n")
        stream.flush()
        last_note, last_time = note, time.monotonic()

    return show


def _bar(done: int, total: int) -> str:
    filled = _WIDTH * done // total if total else 0
    return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done:,} / {total:,}" if total else f"{done:,}"
