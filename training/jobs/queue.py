"""The queue on disk: one sqlite file (write-ahead log), safe for several processes at once.

Who may change what: submitting, cancelling, resuming and deleting go through here from anywhere; only the
dispatcher, which holds the dispatcher's lock, moves a job to or from `running`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import JobError
from training.jobs.identity import ProcessIdentity
from training.jobs.job import ACTIVE, RESUMABLE, State

MAX_ACTIVE = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    spec TEXT NOT NULL,
    token TEXT UNIQUE,
    attempt INTEGER NOT NULL DEFAULT 0,
    slot TEXT NOT NULL DEFAULT '',
    pid INTEGER, process_started TEXT, boot TEXT,
    submitted REAL NOT NULL, started REAL, ended REAL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_active_job_per_name ON jobs(name)
    WHERE state IN ('queued', 'running', 'cancelling');
"""


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    number: int
    id: str
    name: str
    state: State
    spec: str
    attempt: int
    slot: str
    process: ProcessIdentity | None
    submitted: float
    started: float | None
    ended: float | None
    reason: str


class Queue:
    """The jobs of one folder of runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)

    def add(self, run_id: str, name: str, spec: str, token: str | None) -> Row:
        """Queue a job, or give the job that has this `token`. Raises JobError: name in use, queue full."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute(
                "SELECT id FROM jobs WHERE token = ? AND token IS NOT NULL", (token,)
            ).fetchone()
            if known is None:
                _check_room(connection)
                _insert(connection, (run_id, name, State.QUEUED, spec, token, time.time()))
            connection.execute("COMMIT")
        return self.row(known["id"] if known else run_id)

    def rows(self, *states: State) -> tuple[Row, ...]:
        """Jobs in the given states (all when none is given), in order of submission."""
        marks = ", ".join("?" for _ in states)
        where = f"WHERE state IN ({marks})" if states else ""
        with self._connection() as connection:
            found = connection.execute(f"SELECT * FROM jobs {where} ORDER BY number", states).fetchall()
        return tuple(_row(record) for record in found)

    def row(self, run_id: str) -> Row:
        """One job. Raises JobError where there is none of this id."""
        with self._connection() as connection:
            record = connection.execute("SELECT * FROM jobs WHERE id = ?", (run_id,)).fetchone()
        if record is None:
            raise JobError(
                "There is no such job",
                cause=f"The id '{run_id[:60]}' is not in the queue.",
                fix="`python -m training jobs` lists the jobs.",
            )
        return _row(record)

    def move(self, run_id: str, before: tuple[State, ...], after: State, reason: str = "") -> bool:
        """Change a job's state if it is one of `before`; False where another process was faster."""
        ended = None if after in ACTIVE else time.time()
        with self._connection() as connection:
            marks = ", ".join("?" for _ in before)
            changed = connection.execute(
                f"UPDATE jobs SET state = ?, reason = ?, ended = ? WHERE id = ? AND state IN ({marks})",
                (after, reason, ended, run_id, *before),
            )
        return changed.rowcount == 1

    def claim(self, run_id: str, slot: str) -> bool:
        """Take a queued job for `slot`, as the dispatcher does just before it starts the process."""
        with self._connection() as connection:
            changed = connection.execute(
                "UPDATE jobs SET state = 'running', slot = ?, attempt = attempt + 1, started = ?,"
                " ended = NULL, reason = '', pid = NULL, process_started = NULL, boot = NULL"
                " WHERE id = ? AND state = 'queued'",
                (slot, time.time(), run_id),
            )
        return changed.rowcount == 1

    def set_process(self, run_id: str, process: ProcessIdentity) -> None:
        """Record which process runs the job."""
        with self._connection() as connection:
            connection.execute(
                "UPDATE jobs SET pid = ?, process_started = ?, boot = ? WHERE id = ?",
                (process.pid, process.started, process.boot, run_id),
            )

    def requeue(self, run_id: str) -> None:
        """Queue an ended job again. Raises JobError where its state or a newer job of its name forbids it."""
        try:
            moved = self.move(run_id, RESUMABLE, State.QUEUED)
        except sqlite3.IntegrityError:
            raise _name_in_use(self.row(run_id).name) from None
        if not moved:
            state = self.row(run_id).state
            raise JobError(
                "This job cannot be resumed",
                cause=f"It is {state}; only a cancelled, failed or crashed job can be resumed.",
                fix="Wait for it, or clone it to train again from the start.",
            )

    def remove(self, run_id: str) -> None:
        """Forget an ended job. Raises JobError for one that is queued, running or being stopped."""
        row = self.row(run_id)
        marks = ", ".join("?" for _ in ACTIVE)
        with self._connection() as connection:
            gone = connection.execute(
                f"DELETE FROM jobs WHERE id = ? AND state NOT IN ({marks})", (run_id, *ACTIVE)
            )
        if gone.rowcount != 1:
            raise JobError("This job cannot be deleted", cause=f"It is {row.state}.", fix="Cancel it first.")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            yield connection
        except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise
            raise JobError(
                "The job queue cannot be used",
                cause=f"{self.path.name}: {error}.",
                fix="Check free disk space and permissions of the cache folder.",
            ) from error
        finally:
            connection.close()


def _insert(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    try:
        connection.execute(
            "INSERT INTO jobs (id, name, state, spec, token, submitted) VALUES (?, ?, ?, ?, ?, ?)", values
        )
    except sqlite3.IntegrityError:
        raise _name_in_use(str(values[1])) from None


def _check_room(connection: sqlite3.Connection) -> None:
    marks = ", ".join("?" for _ in ACTIVE)
    active = connection.execute(f"SELECT COUNT(*) FROM jobs WHERE state IN ({marks})", ACTIVE).fetchone()[0]
    if active >= MAX_ACTIVE:
        raise JobError(
            "The queue is full", cause=f"{active} jobs are waiting or running.", fix="Cancel some."
        )


def _name_in_use(name: str) -> JobError:
    return JobError(
        "This run has been launched already",
        cause=f"A job called '{name}' is waiting or running.",
        fix="Watch that one, or give this run another name.",
    )


def _row(record: sqlite3.Row) -> Row:
    known = record["pid"] is not None
    process = ProcessIdentity(record["pid"], record["process_started"], record["boot"]) if known else None
    names = ("number", "id", "name", "spec", "attempt", "slot", "submitted", "started", "ended", "reason")
    return Row(state=State(record["state"]), process=process, **{name: record[name] for name in names})
