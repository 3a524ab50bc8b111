"""A training job as pages and commands see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from training.jobs.progress import Status
from training.spec import RunSpec


class State(StrEnum):
    """What has become of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The run itself gave up and says why."""
    CRASHED = "crashed"
    """The process ended without a word: killed by the host, or worse."""
    UNREACHABLE = "unreachable"
    """The cluster does not answer; what became of the job is not known."""


ACTIVE = (State.QUEUED, State.RUNNING, State.CANCELLING)
RESUMABLE = (State.CANCELLED, State.FAILED, State.CRASHED)


@dataclass(frozen=True)
class Job:
    """One job. Times are seconds since 1970 by the wall clock, for display only."""

    id: str
    number: int
    """Rises with each job: the order of submission, whatever the clock says."""
    state: State
    spec: RunSpec
    submitted: float
    started: float | None = None
    ended: float | None = None
    reason: str = ""
    """Why it failed, crashed or was cancelled; for the user."""
    attempt: int = 0
    status: Status | None = None
    """What the run itself last said; None before it began."""

    @property
    def active(self) -> bool:
        """Whether it waits, runs or is being stopped."""
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        """Whether it can go on from its last committed step."""
        return self.state in RESUMABLE


@dataclass(frozen=True)
class LogChunk:
    """A part of a job's log: plain text without escape sequences."""

    text: str
    offset: int
    """Byte at which the next chunk begins."""
    size: int
    """Bytes that the log has now."""


class JobRunner(Protocol):
    """Where training jobs run. Every method raises JobError with what can be done about it."""

    name: str

    def submit(self, spec: RunSpec, *, token: str | None = None) -> Job:
        """Queue a run; a second submission with the same `token` gives the first one's job."""

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, the newest first."""

    def job(self, run_id: str) -> Job:
        """One job."""

    def cancel(self, run_id: str) -> Job:
        """Stop a job: it saves what it has and ends as `cancelled`."""

    def resume(self, run_id: str) -> Job:
        """Queue a stopped job again, from its last committed step."""

    def delete(self, run_id: str) -> None:
        """Forget a job that has ended, and remove its folder; its checkpoint stays."""

    def log(self, run_id: str, offset: int = 0, limit: int = 65_536) -> LogChunk:
        """At most `limit` bytes of the log from byte `offset`; a negative offset counts from the end."""

    def metrics(self, run_id: str) -> tuple[dict[str, object], ...]:
        """One record per finished epoch, as `training.progress.EpochRecord` wrote it."""
