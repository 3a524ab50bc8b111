"""Work started from a page: a subprocess with progress and cancel, so that the server never imports torch.

One piece of work per key and server: a second visitor who asks for the same thing watches the first one's.
The processes speak in lines, `{"done": 3, "total": 600, "note": "..."}` or `3/600 ...`; anything else is log.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import streamlit as st

from core.errors import JobError
from core.progress import LINES
from core.settings import HOME
from pages.ui.text import log_tail, md

_STEP = re.compile(r"(\d+)\s*/\s*(\d+)\s*(.*)")
_GRACE = 10.0


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is, as its last line said; `total` 0 where it has not said yet."""

    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def share(self) -> float:
        """In [0, 1]; 0 while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(eq=False)
class Work:
    """A running or finished subprocess; `cancelled` tells a stop that was asked for from a failure."""

    title: str
    argv: tuple[str, ...]
    process: subprocess.Popen[str]
    progress: Progress = Progress()
    log: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    cancelled: bool = False
    settled: bool = False
    """Whether a page has taken up its result."""
    reader: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the process still runs, or its last lines are still being read."""
        return self.process.poll() is None or (self.reader is not None and self.reader.is_alive())

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return not self.running and self.process.returncode == 0

    def cancel(self) -> None:
        """Ask the process group to stop; what it has finished stays. It is killed when it does not listen."""
        self.cancelled = True
        _signal(self.process, signal.SIGTERM)
        killer = threading.Timer(_GRACE, _signal, (self.process, signal.SIGKILL))
        killer.daemon = True
        killer.start()


def read_step(line: str) -> Progress | None:
    """The progress that a line reports, or None where it is a line of log."""
    text = line.strip()
    if text.startswith("{"):
        try:
            value = json.loads(text)
            return Progress(int(value["done"]), int(value["total"]), str(value.get("note", "")))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
    found = _STEP.search(text)
    if found is None:
        return None
    before = text[: found.start()].strip(" :|[")
    return Progress(
        int(found[1][:12]), int(found[2][:12]), " ".join((before, found[3].strip(" :|]"))).strip()
    )


def start(key: str, title: str, argv: Sequence[str]) -> Work:
    """Run `python argv...` in the project, or return the work of that key which is running already.

    Raises JobError when the process cannot be started.
    """
    with _lock():
        current = _running().get(key)
        if current is not None and current.running:
            return current
        work = _launch(title, tuple(argv))
        _running()[key] = work
        return work


def current(key: str) -> Work | None:
    """The last work started under `key`, running or not, until it is dismissed."""
    return _running().get(key)


def dismiss(key: str) -> None:
    """Forget the finished work of that key."""
    with _lock():
        work = _running().get(key)
        if work is not None and not work.running:
            del _running()[key]


@st.fragment(run_every=0.5)
def watch(key: str, *, counted: bool = True, ended: Callable[[], None] | None = None) -> None:
    """The progress of the running work of that key, with a cancel; the page runs anew once it has ended.

    `counted` shows how many of how many are done, where these are numbers worth reading. `ended` is called
    before the page runs anew.
    """
    work = current(key)
    if work is None or not work.running:
        if ended is not None:
            ended()
        st.rerun()
        return
    step = work.progress
    of = f"{step.done:,} / {step.total:,} " if counted and step.total else "" if step.note else "starting"
    st.progress(step.share, text=f"{md(work.title)}: {of}{md(step.note, 120)}")
    st.button(
        "Cancel",
        icon=":material/stop:",
        key=f"cancel:{key}",
        on_click=work.cancel,
        disabled=work.cancelled,
    )


def draw_log(work: Work) -> None:
    """The last lines that a finished work left."""
    st.code(log_tail("\n".join(work.log)) or "(no output)", language=None)


def _launch(title: str, argv: tuple[str, ...]) -> Work:
    try:
        process = subprocess.Popen(
            [sys.executable, "-u", *argv],
            cwd=HOME,
            env={**os.environ, "PYTHONPATH": str(HOME), LINES: "lines"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise JobError(
            f"'{title}' could not be started", cause=str(error), fix="Free some memory and try again."
        ) from error
    work = Work(title, argv, process)
    work.reader = threading.Thread(target=_read, args=(work,), daemon=True)
    work.reader.start()
    return work


def _read(work: Work) -> None:
    with work.process.stdout or nullcontext(()) as lines:
        for line in lines:
            step = read_step(line[:4000])
            if step is None:
                work.log.append(line[:4000].rstrip())
            else:
                work.progress = step
    work.process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


@st.cache_resource(show_spinner=False)
def _running() -> dict[str, Work]:
    return {}


@st.cache_resource(show_spinner=False)
def _lock() -> threading.Lock:
    return threading.Lock()
