"""Jobs on this machine: a queue on disk, a detached dispatcher, one process per job."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

from core.errors import JobError
from core.settings import Settings
from training.jobs.dispatcher import ensure_dispatcher
from training.jobs.job import ACTIVE, Job, LogChunk, State
from training.jobs.progress import RunFolder
from training.jobs.queue import Queue, Row
from training.spec import RunSpec, parse_spec

MAX_LOG_BYTES = 1024 * 1024


class LocalRunner:
    """The default `JobRunner`: needs no server, and its jobs outlive whoever launched them."""

    name = "local"

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._queue = Queue(runs / "jobs.sqlite")

    @classmethod
    def at(cls, settings: Settings) -> LocalRunner:
        """The runner whose folder is `runs` in the cache."""
        return cls(settings.cache / "runs")

    def submit(self, spec: RunSpec, *, token: str | None = None) -> Job:
        """Queue a run. Raises JobError: the name is taken (checkpoint or active job), the disk is full."""
        if spec.workers > 1:
            raise JobError(
                "Several workers need a cluster",
                cause=f"This run asks for {spec.workers}; the local runner gives each run one process.",
                fix="Use one worker, or submit it to Ray (--runner ray).",
            )
        refuse_existing(spec)
        run_id = f"{spec.name[:40]}-{uuid.uuid4().hex[:8]}"
        try:
            spec.write(self.runs / run_id / "spec.json")
        except OSError as error:
            raise JobError(
                "The run cannot be written",
                cause=f"{error.strerror or error}.",
                fix="Free some disk space, or check the permissions of the cache folder.",
            ) from error
        row = self._add(run_id, spec, token)
        ensure_dispatcher(self.runs)
        return self._job(row)

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, the newest first; a look at them wakes a dispatcher where one is needed."""
        rows = self._queue.rows()
        if any(row.state in ACTIVE for row in rows):
            ensure_dispatcher(self.runs)
        return tuple(self._job(row) for row in reversed(rows))

    def job(self, run_id: str) -> Job:
        """One job. Raises JobError."""
        return self._job(self._queue.row(run_id))

    def cancel(self, run_id: str) -> Job:
        """Stop a job: a waiting one ends at once, a running one saves first. Raises JobError if ended."""
        if not self._queue.move(run_id, (State.QUEUED,), State.CANCELLED, "Cancelled before it began."):
            row = self._queue.row(run_id)
            stopping = self._queue.move(run_id, (State.RUNNING,), State.CANCELLING)
            if not stopping and self._queue.row(run_id).state != State.CANCELLING:
                raise JobError(
                    "There is nothing to cancel",
                    cause=f"This job is {row.state}.",
                    fix="Delete it if it is not wanted.",
                )
            ensure_dispatcher(self.runs)
        return self.job(run_id)

    def resume(self, run_id: str) -> Job:
        """Queue an ended job again. Raises JobError."""
        refuse_existing(self.job(run_id).spec)
        self._queue.requeue(run_id)
        ensure_dispatcher(self.runs)
        return self.job(run_id)

    def delete(self, run_id: str) -> None:
        """Forget an ended job and remove its folder. Raises JobError."""
        self._queue.remove(run_id)
        shutil.rmtree(self.runs / run_id, ignore_errors=True)

    def log(self, run_id: str, offset: int = 0, limit: int = 65_536) -> LogChunk:
        """Part of a job's log. Raises JobError for an unknown job."""
        text, following, size = self.folder(run_id).read_log(offset, min(limit, MAX_LOG_BYTES))
        return LogChunk(text, following, size)

    def metrics(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """One record per finished epoch. Raises JobError for an unknown job."""
        return self.folder(run_id).read_metrics()

    def folder(self, run_id: str) -> RunFolder:
        """The folder of a queued job: an id is looked up, never used as a path. Raises JobError."""
        return RunFolder(self.runs / self._queue.row(run_id).id)

    def _add(self, run_id: str, spec: RunSpec, token: str | None) -> Row:
        try:
            row = self._queue.add(run_id, spec.name, spec.model_dump_json(), token)
        except JobError:
            shutil.rmtree(self.runs / run_id, ignore_errors=True)
            raise
        if row.id != run_id:
            shutil.rmtree(self.runs / run_id, ignore_errors=True)
        return row

    def _job(self, row: Row) -> Job:
        return Job(
            id=row.id,
            number=row.number,
            state=row.state,
            spec=parse_spec(json.loads(row.spec)),
            submitted=row.submitted,
            started=row.started,
            ended=row.ended,
            reason=row.reason,
            attempt=row.attempt,
            status=RunFolder(self.runs / row.id).read_status(),
        )


def refuse_existing(spec: RunSpec) -> None:
    """Raises JobError where a checkpoint of the run's name exists."""
    if (Path(spec.checkpoints) / spec.name / "card.json").exists():
        raise JobError(
            f"There is a checkpoint called '{spec.name}' already",
            cause="A run never replaces a finished checkpoint.",
            fix="Give this run another name.",
        )
