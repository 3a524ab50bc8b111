"""The dispatcher: a small detached process that starts queued jobs, stops cancelled ones and records ends.

It holds one lock, so there is only ever one; it ends by itself when nothing is left to do, so an idle machine
pays nothing. The jobs are processes of their own: they survive its death, and the next dispatcher finds them.

    python -m training.dispatch --runs cache/runs [--detach]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import JobError
from core.settings import HOME
from training.jobs.environment import child_environment, slots
from training.jobs.identity import ProcessIdentity
from training.jobs.job import ACTIVE, State
from training.jobs.progress import RunFolder, Status
from training.jobs.queue import Queue, Row

LOCK = "dispatcher.lock"
TICK_SECONDS = 0.25
IDLE_SECONDS = 2.0
MAX_FAILURES = 150
STARTUP_SECONDS = 20.0
"""A claimed job without a process is given this long to report before it is queued again."""
GRACE_SECONDS = 60.0
"""Between TERM, on which a run saves what it has, and KILL. Environment: VITRINE_JOB_GRACE."""


class Dispatcher:
    """Moves the jobs of one folder of runs from state to state; `tick` is one look at all of them."""

    def __init__(self, runs: Path, *, grace: float | None = None) -> None:
        self.runs = runs
        self.queue = Queue(runs / "jobs.sqlite")
        self.grace = float(os.environ.get("VITRINE_JOB_GRACE", GRACE_SECONDS)) if grace is None else grace
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.since: dict[tuple[str, str], float] = {}

    def run(self, idle: float = IDLE_SECONDS) -> None:
        """Work until nothing is queued or running for `idle` seconds."""
        quiet, failures = time.monotonic(), 0
        while time.monotonic() - quiet < idle and self.queue.path.exists():
            try:
                busy, failures = self.tick(), 0
            except (JobError, OSError) as error:
                print(error, file=sys.stderr, flush=True)
                busy, failures = True, failures + 1
                if failures >= MAX_FAILURES:
                    raise
            if busy:
                quiet = time.monotonic()
            time.sleep(TICK_SECONDS * min(8, 1 + failures))

    def needed(self) -> bool:
        """Whether a job came in while this dispatcher was about to leave."""
        return self.queue.path.exists() and bool(self.queue.rows(*ACTIVE))

    def tick(self) -> bool:
        """Settle what ended, stop what shall stop, start what may start; whether anything is left to do."""
        for row in self.queue.rows(State.RUNNING, State.CANCELLING):
            self._look_after(row)
        busy = {row.slot for row in self.queue.rows(State.RUNNING, State.CANCELLING)}
        free = [slot for slot in slots() if slot not in busy]
        for slot, row in zip(free, self.queue.rows(State.QUEUED), strict=False):
            self._start(row, slot)
        return bool(self.queue.rows(State.QUEUED, State.RUNNING, State.CANCELLING))

    def _look_after(self, row: Row) -> None:
        process = row.process or self._find_process(row)
        if process is None:
            self._await_process(row)
        elif process.alive:
            if row.state == State.CANCELLING:
                self._stop(row, process)
        else:
            self._settle(row)

    def _find_process(self, row: Row) -> ProcessIdentity | None:
        """The process that says it runs this job: a dispatcher died between starting and recording it."""
        found = RunFolder(self.runs / row.id).read_process()
        if found is None or found[0] != row.attempt:
            return None
        self.queue.set_process(row.id, found[1])
        return found[1]

    def _await_process(self, row: Row) -> None:
        """A claimed job without a process: after a while, queue it again unless something holds its run."""
        if self._waited(row, "startup") < STARTUP_SECONDS:
            return
        try:
            with FileLock(RunFolder(self.runs / row.id).lock, timeout=0):
                after = State.QUEUED if row.state == State.RUNNING else State.CANCELLED
                self.queue.move(row.id, (row.state,), after)
        except Timeout:
            return

    def _stop(self, row: Row, process: ProcessIdentity) -> None:
        key = (row.id, f"stop {row.attempt}")
        if key not in self.since:
            process.signal_group(signal.SIGTERM)
        if self._waited(row, key[1]) > self.grace:
            process.signal_group(signal.SIGKILL)

    def _waited(self, row: Row, what: str) -> float:
        now = time.monotonic()
        return now - self.since.setdefault((row.id, what), now)

    def _settle(self, row: Row) -> None:
        child = self.children.pop(row.id, None)
        code = child.wait() if child else None
        status = RunFolder(self.runs / row.id).read_status()
        if status and status.attempt == row.attempt and status.state in {"finished", "cancelled", "failed"}:
            self.queue.move(row.id, (row.state,), State(status.state), status.reason)
        elif row.state == State.CANCELLING:
            self.queue.move(
                row.id, (row.state,), State.CANCELLED, "Stopped by force; resume goes on from its last save."
            )
        else:
            self.queue.move(row.id, (row.state,), State.CRASHED, exit_reason(code))

    def _start(self, row: Row, slot: str) -> None:
        if not self.queue.claim(row.id, slot):
            return
        folder = RunFolder(self.runs / row.id)
        attempt = row.attempt + 1
        try:
            folder.write_status(Status(attempt=attempt, stage="starting"))
            child = _spawn(folder, attempt, slot)
        except OSError as error:
            self.queue.move(
                row.id, (State.RUNNING,), State.FAILED, f"The process could not be started: {error}."
            )
            return
        self.children[row.id] = child
        identity = ProcessIdentity.of(child.pid)
        if identity is not None:
            self.queue.set_process(row.id, identity)
        else:
            self._settle(self.queue.row(row.id))


def exit_reason(code: int | None) -> str:
    """Why a process that said nothing has ended, for the user. `code` is None where it was not our child."""
    if code is None:
        return "The process is gone without a word: killed by the host or by hand. Resume its last save."
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        likely = " (often: the machine ran out of memory)" if -code == signal.SIGKILL else ""
        return f"Killed by {name}{likely}. Resume goes on from its last save."
    return f"The process ended with code {code} without saying why; the log may tell."


def ensure_dispatcher(runs: Path) -> None:
    """Start a detached dispatcher unless one is at work; cheap, so every look at the queue may call it."""
    try:
        with FileLock(runs / LOCK, timeout=0):
            pass
    except Timeout:
        return
    command = [sys.executable, "-m", "training.dispatch", "--runs", str(runs), "--detach"]
    subprocess.run(command, cwd=HOME, env=child_environment(), check=True, start_new_session=True)


def trainer_command(folder: RunFolder, attempt: int, slot: str) -> list[str]:
    """The argv list that carries out a run; no shell ever sees it."""
    command = [sys.executable, "-m", "training.run", "--spec", str(folder.spec), "--resume"]
    return [*command, "--attempt", str(attempt), "--slot", slot]


def _spawn(folder: RunFolder, attempt: int, slot: str) -> subprocess.Popen[bytes]:
    with folder.log_file.open("ab") as log:
        return subprocess.Popen(
            trainer_command(folder, attempt, slot),
            cwd=HOME,
            env=child_environment(slot),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _detach(runs: Path) -> None:
    """Leave the caller: the parent half returns to it at once, the child half lives on with its own log."""
    if os.fork():
        os._exit(0)
    log = os.open(runs / "dispatcher.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, target in ((0, null), (1, log), (2, log)):
        os.dup2(target, number)


def main(arguments: list[str] | None = None) -> int:
    """Run a dispatcher in this process, or a detached one."""
    parser = argparse.ArgumentParser(prog="python -m training.dispatch", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--detach", action="store_true")
    options = parser.parse_args(arguments)
    if options.detach:
        _detach(options.runs)
    dispatcher = Dispatcher(options.runs)
    try:
        # The second look comes after the lock is free: a job that was queued while the lock was still held is
        # seen here, and one that is queued later finds the lock free and starts a dispatcher of its own.
        while dispatcher.needed():
            with FileLock(options.runs / LOCK, timeout=4 * IDLE_SECONDS):
                dispatcher.run()
    except Timeout:
        return 0
    return 0
