"""This process's workers: one decodes uploads, one runs networks. They end with the process."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress
from functools import cache

from core.errors import VitrineError
from core.explain import Worker
from core.models import Checkpoint


@cache
def worker() -> Worker:
    """The worker that runs networks for this process's pages; it starts on first use."""
    return _ended_with_us(Worker())


@cache
def decoder() -> Worker:
    """The worker that decodes uploads: small and at once ready, as it never loads a network."""
    return _ended_with_us(Worker())


def _ended_with_us(found: Worker) -> Worker:
    atexit.register(found.close)
    return found


def warm(checkpoint: Checkpoint) -> None:
    """Start the worker and let it load `checkpoint` while the visitor still looks for an image."""
    if not worker().alive:
        threading.Thread(target=_warm, args=(str(checkpoint.path),), daemon=True).start()


def _warm(path: str) -> None:
    with suppress(VitrineError):  # a checkpoint that cannot be loaded is reported when it is asked for
        worker().ask("warm", {"checkpoint": path})
