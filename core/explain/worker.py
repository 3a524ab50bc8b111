"""A worker process that owns the networks, so that the pages' process never imports them.

Requests and answers are a JSON header followed by binary parts, over a pipe that only the two processes hold:
no pickle, no port. When either side dies the pipe closes and the other one notices; an idle worker ends by
itself and is started again on the next request.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from typing import Any

import core.errors as errors
from core.errors import InferenceError, VitrineError
from core.settings import HOME

START_LIMIT = 90.0
"""Seconds that a worker may take from its start to its first sign of life (it imports its libraries)."""

QUEUE_LIMIT = 180.0
"""Seconds that a request waits for those before it."""

IDLE_LIMIT = 600.0
"""Seconds without a request after which a worker ends and gives its memory back."""


@dataclass(frozen=True)
class Answer:
    """What a worker sent back: JSON values and binary parts."""

    values: dict[str, Any]
    parts: tuple[bytes, ...] = field(default=(), repr=False)


class Worker:
    """The pages' handle on the worker process: started on first use, restarted when it has died.

    One request runs at a time; further callers wait their turn. Safe to share between threads.
    """

    def __init__(self, *, idle_limit: float = IDLE_LIMIT, module: str = "core.explain.service") -> None:
        self._idle_limit = idle_limit
        self._module = module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self.alive else None

    def start(self) -> None:
        """Start the process without waiting for it, so that it is warm when the first request comes."""
        if self._lock.acquire(blocking=False):
            try:
                self._ensure()
            finally:
                self._lock.release()

    def ask(
        self, operation: str, values: Mapping[str, Any], parts: Sequence[bytes] = (), *, limit: float = 120.0
    ) -> Answer:
        """Run `operation` in the worker and wait at most `limit` seconds for its answer, from its turn on.

        Raises the VitrineError that the worker answered with (same class, title, cause and fix), or
        InferenceError when the worker died or took too long: it is then ended, and the next call starts anew.
        """
        if not self._lock.acquire(timeout=QUEUE_LIMIT):
            raise _late(QUEUE_LIMIT, "It was busy with other requests.")
        try:
            return self._exchange(operation, values, parts, limit)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process at once, a request in flight included; a later `ask` starts it again."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
        with self._lock:
            self._stop()

    def _exchange(
        self, operation: str, values: Mapping[str, Any], parts: Sequence[bytes], limit: float
    ) -> Answer:
        fresh = self._ensure()
        assert self._pipe is not None
        try:
            send(self._pipe, {"operation": operation, **values}, parts)
            if not self._pipe.poll(limit + (START_LIMIT if fresh else 0.0)):
                self._stop()
                raise _late(limit, f"'{operation}' was stopped.")
            header, received = receive(self._pipe)
        except (EOFError, OSError) as error:
            code = self._stop()
            raise InferenceError(
                "The model worker ended unexpectedly",
                cause=f"'{operation}' did not come back (exit code {code}); is the machine out of memory?",
                fix="Try again: a new worker is started. If it stays, choose a smaller image or model.",
            ) from error
        if "error" in header:
            raise _raised(header["error"])
        return Answer(header, received)

    def _ensure(self) -> bool:
        """Start the process unless it runs. True when it was started now."""
        if self.alive:
            return False
        self._stop()
        ours, theirs = Pipe()
        argv = [sys.executable, "-m", self._module, str(theirs.fileno()), str(self._idle_limit)]
        # Threads of torch that wait by spinning burn ten times the time of one image on a busy machine.
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        self._process = subprocess.Popen(
            argv,
            cwd=HOME,
            env=environment,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()  # the child holds the only other end: its death reaches us as EOF
        self._pipe = ours
        return True

    def _stop(self) -> int | None:
        """End the process and close the pipe; its exit code, if it had one."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is None:
            return None
        try:
            code = self._process.wait(timeout=0.5)  # a closed pipe ends an idle worker by itself
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process = None
        return code


def send(pipe: Connection[Any, Any], header: Mapping[str, Any], parts: Sequence[bytes] = ()) -> None:
    """Write one message: a JSON header that counts its parts, then the parts."""
    pipe.send_bytes(json.dumps({**header, "parts": len(parts)}).encode())
    for part in parts:
        pipe.send_bytes(part)


def receive(pipe: Connection[Any, Any]) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    """Read one message. Raises EOFError when the other side has gone."""
    header: dict[str, Any] = json.loads(pipe.recv_bytes())
    return header, tuple(pipe.recv_bytes() for _ in range(header.pop("parts")))


def _raised(value: Mapping[str, str]) -> VitrineError:
    kind = getattr(errors, value.get("kind", ""), InferenceError)
    if not (isinstance(kind, type) and issubclass(kind, VitrineError)):
        kind = InferenceError
    return kind(
        value.get("title", "The model worker failed"), cause=value.get("cause", ""), fix=value.get("fix", "")
    )


def _late(limit: float, cause: str) -> InferenceError:
    return InferenceError(
        f"The model worker did not answer within {limit:.0f} s",
        cause=cause,
        fix="Try again with fewer or smaller images; a new worker is started.",
    )
