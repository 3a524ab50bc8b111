"""The way to a Ray head: its address and token, its client, and what a job's command needs there.

Environment: VITRINE_RAY_ADDRESS (such as http://head:8265), VITRINE_RAY_TOKEN where the cluster asks for one.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import JobError
from core.settings import HOME

ADDRESS, TOKEN = "VITRINE_RAY_ADDRESS", "VITRINE_RAY_TOKEN"
STOP_SECONDS = 60
"""Between TERM and KILL, for a run to save; Ray's own default is 3."""
POLL_SECONDS = 1.0
NOT_YET = "No available agent"
"""What a head says that is up but cannot take jobs yet."""
_ENDED = {"STOPPED", "SUCCEEDED", "FAILED"}


def address_and_token() -> tuple[str, str]:
    """Where the head is, from the environment. Raises JobError without an address."""
    address = os.environ.get(ADDRESS, "")
    if not address:
        raise JobError(
            "No Ray cluster is named",
            cause=f"The environment variable {ADDRESS} is empty.",
            fix=f"Set {ADDRESS}=http://HEAD:8265, or use the local runner.",
        )
    return address, os.environ.get(TOKEN, "")


def open_client(address: str, token: str = "") -> Any:
    """Ray's `JobSubmissionClient`. Raises JobError where Ray is not installed or the head does not answer."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise JobError(
            "Ray is not installed", fix="pip install -r requirements-ray.txt, or use the local runner."
        ) from None
    headers = {"Authorization": f"Bearer {token}"} if token else None
    try:
        return JobSubmissionClient(address, headers=headers)
    except Exception as error:  # requests', Ray's and the system's kinds of "no"
        text = " ".join(str(error).split())[:200]
        raise JobError(
            "The Ray cluster is unreachable",
            cause=f"{address}: {text}",
            fix="Start its head, or mend the address or token. Local jobs go on working.",
        ) from None


def job_environment() -> dict[str, Any]:
    """Ray's `runtime_env`: where the project lies, and time to save when a job is stopped."""
    path = f"{HOME}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return {"env_vars": {"PYTHONPATH": path, "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)}}


def submit(client: Any, name: str, module: str, arguments: Sequence[str]) -> str:
    """Run `python -m module arguments` as a Ray job; its id."""
    job = f"{name}-{uuid.uuid4().hex[:8]}"
    send(client, job, [sys.executable, "-m", module, *arguments])
    return job


def send(client: Any, job: str, argv: Sequence[str], *, gpus: int = 0, patience: float = 60.0) -> None:
    """Hand a command to the head under the id `job`. Raises JobError where it is refused.

    A head that has just started answers before it can take jobs; it is asked again for `patience` seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            client.submit_job(
                entrypoint=shlex.join(argv),
                submission_id=job,
                runtime_env=job_environment(),
                entrypoint_num_gpus=gpus,
            )
            return
        except RuntimeError as error:
            if NOT_YET not in str(error) or time.monotonic() > end:
                raise JobError(
                    "The Ray cluster did not take the job",
                    cause=" ".join(str(error).split())[:300],
                    fix="Submit it again; the head's dashboard shows what its machines do.",
                ) from None
            time.sleep(POLL_SECONDS)


def follow(client: Any, job: str, show: Callable[[str], object]) -> bool:
    """Show a job's log until it ends; whether it succeeded. An interrupt stops the job and is passed on."""
    shown = 0
    try:
        while True:
            state = str(client.get_job_info(job).status.value)
            log = str(client.get_job_logs(job))
            show(log[shown:])
            shown = len(log)
            if state in _ENDED:
                return state == "SUCCEEDED"
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        client.stop_job(job)
        raise
