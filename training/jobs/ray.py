"""Jobs on a Ray cluster: Ray Jobs submits, tells, logs and stops; runs lie on storage all machines share.

Runs of several workers go through Ray Train around the same loop (`training.ray_run`).
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from core.errors import JobError
from core.files import atomic_write_json
from core.settings import Settings
from training.jobs.job import Job, LogChunk, State
from training.jobs.local import refuse_existing
from training.jobs.progress import RunFolder, plain_text
from training.jobs.ray_client import address_and_token, open_client, send
from training.spec import RunSpec, read_spec

RECORD = "ray.json"
STATES = {
    "PENDING": State.QUEUED,
    "RUNNING": State.RUNNING,
    "STOPPED": State.CANCELLED,
    "SUCCEEDED": State.FINISHED,
    "FAILED": State.CRASHED,
}


class RayRunner:
    """A `JobRunner` for a cluster whose machines see the same folders as this one."""

    name = "ray"

    def __init__(self, runs: Path, address: str, token: str = "") -> None:
        self.runs = runs
        self.address = address
        self._token = token

    def __repr__(self) -> str:
        return f"RayRunner({self.runs!s}, {self.address!r})"

    @classmethod
    def at(cls, settings: Settings) -> RayRunner:
        """The runner that the environment describes. Raises JobError without an address."""
        return cls(settings.cache / "ray-runs", *address_and_token())

    def submit(self, spec: RunSpec, *, token: str | None = None) -> Job:
        """Submit a run. Raises JobError: name taken, Ray not installed, cluster unreachable."""
        refuse_existing(spec)
        for job in self._known():
            if token and self._record(job).get("token") == token:
                return self.job(job)
        client = self._client()
        run_id = f"{spec.name[:40]}-{uuid.uuid4().hex[:8]}"
        folder = self._folder(run_id)
        spec.write(folder.spec)
        record = {"token": token, "submitted": time.time(), "number": time.time_ns(), "attempt": 0}
        self._launch(client, folder, record)
        return self.job(run_id)

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, the newest first; `unreachable` where the cluster does not answer."""
        found = [self.job(run_id) for run_id in self._known()]
        return tuple(sorted(found, key=lambda job: -job.number))

    def job(self, run_id: str) -> Job:
        """One job. Raises JobError for an unknown id."""
        folder, record = self._folder(self._check(run_id)), self._record(run_id)
        status = folder.read_status()
        state, reason = self._state(record)
        if status is not None and status.attempt == record["attempt"] and state != State.UNREACHABLE:
            said = {"finished": State.FINISHED, "cancelled": State.CANCELLED, "failed": State.FAILED}
            state = said.get(status.state, State.CRASHED if state == State.FINISHED else state)
            reason = status.reason or reason
        return Job(
            id=run_id,
            number=int(record["number"]),
            state=state,
            spec=read_spec(folder.spec),
            submitted=float(record["submitted"]),
            reason=reason,
            attempt=int(record["attempt"]),
            status=status,
        )

    def cancel(self, run_id: str) -> Job:
        """Stop a job; it saves first. Raises JobError for an ended one."""
        job = self.job(run_id)
        if not job.active:
            raise JobError("There is nothing to cancel", cause=f"This job is {job.state}.")
        self._folder(run_id).path.joinpath("stop").touch()
        self._client().stop_job(self._record(run_id)["submission"])
        return self.job(run_id)

    def resume(self, run_id: str) -> Job:
        """Submit an ended job again, from its last save. Raises JobError."""
        job = self.job(run_id)
        if not job.resumable:
            raise JobError("This job cannot be resumed", cause=f"It is {job.state}.")
        refuse_existing(job.spec)
        self._launch(self._client(), self._folder(run_id), self._record(run_id))
        return self.job(run_id)

    def delete(self, run_id: str) -> None:
        """Forget an ended job and remove its folder. Raises JobError."""
        job = self.job(run_id)
        if job.active or job.state == State.UNREACHABLE:
            raise JobError("This job cannot be deleted", cause=f"It is {job.state}.", fix="Cancel it first.")
        shutil.rmtree(self._folder(run_id).path, ignore_errors=True)

    def log(self, run_id: str, offset: int = 0, limit: int = 65_536) -> LogChunk:
        """Part of the job's log, as Ray has it. Raises JobError."""
        submission = self._record(self._check(run_id))["submission"]
        data = str(self._client().get_job_logs(submission)).encode()
        begin = max(0, len(data) + offset) if offset < 0 else min(offset, len(data))
        part = data[begin : begin + max(0, limit)]
        return LogChunk(plain_text(part), begin + len(part), len(data))

    def metrics(self, run_id: str) -> tuple[dict[str, Any], ...]:
        """One record per finished epoch."""
        return self._folder(self._check(run_id)).read_metrics()

    def _launch(self, client: Any, folder: RunFolder, record: dict[str, Any]) -> None:
        spec, attempt = read_spec(folder.spec), int(record["attempt"]) + 1
        submission = f"{folder.path.name}-{attempt}"
        folder.path.joinpath("stop").unlink(missing_ok=True)
        module = "training.run" if spec.workers == 1 else "training.ray_run"
        argv = [sys.executable, "-m", module, "--spec", str(folder.spec), "--attempt", str(attempt)]
        argv += ["--resume"] if spec.workers == 1 else []
        atomic_write_json(folder.path / RECORD, {**record, "attempt": attempt, "submission": submission})
        send(client, submission, argv, gpus=1 if spec.device == "cuda" and spec.workers == 1 else 0)

    def _state(self, record: dict[str, Any]) -> tuple[State, str]:
        try:
            info = self._client().get_job_info(record["submission"])
        except JobError as error:
            return State.UNREACHABLE, str(error)
        except RuntimeError:
            return State.CRASHED, "The cluster does not know this job: its head was started again."
        return STATES.get(str(info.status.value), State.RUNNING), str(info.message or "")

    def _client(self) -> Any:
        return open_client(self.address, self._token)

    def _known(self) -> list[str]:
        return [path.parent.name for path in self.runs.glob(f"*/{RECORD}")]

    def _check(self, run_id: str) -> str:
        """`run_id` if it is a job's: compared with those there are before it is a path. Raises JobError."""
        if run_id not in self._known():
            raise JobError("There is no such job", cause=f"The id '{run_id[:60]}' is not among the jobs.")
        return run_id

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.runs / run_id)

    def _record(self, run_id: str) -> dict[str, Any]:
        value = json.loads((self.runs / run_id / RECORD).read_bytes())
        return dict(value)
