"""Real processes: a launcher that leaves, a dispatcher that is killed, several dispatchers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.models.checkpoint import read_checkpoint
from core.settings import HOME, Settings
from tests.training_case import tiny_spec
from training.jobs import Job, LocalRunner, State
from training.jobs.dispatcher import ensure_dispatcher

PHASES = [{"name": "all", "epochs": 6, "backbone_lr": 0.0005, "head_lr": 0.001}]
LAUNCH = """
import sys
from pathlib import Path
from training.jobs import LocalRunner
from training.spec import read_spec
print(LocalRunner(Path(sys.argv[1])).submit(read_spec(Path(sys.argv[2]))).id)
"""


def dispatchers(runs: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "training.dispatch" in line and str(runs) in line:
            found.append(process)
    return found


def wait(condition: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_a_job_outlives_its_launcher_and_its_dispatcher(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runs = settings.cache / "runs"
    spec = tiny_spec(settings, name="survivor", phases=PHASES)
    spec.write(tmp_path / "spec.json")
    launched = subprocess.run(
        [sys.executable, "-c", LAUNCH, str(runs), str(tmp_path / "spec.json")],
        capture_output=True,
        text=True,
        cwd=HOME,
        check=True,
        timeout=180,
    )
    run_id = launched.stdout.strip()
    runner = LocalRunner(runs)  # as a fresh app would: the launcher is gone

    def job() -> Job:
        return runner.job(run_id)

    wait(lambda: job().state == State.RUNNING and runner._queue.row(run_id).process is not None)
    trainer = runner._queue.row(run_id).process
    assert trainer is not None
    first = dispatchers(runs)
    assert len(first) == 1
    os.kill(first[0].pid, signal.SIGKILL)
    wait(lambda: not dispatchers(runs))
    assert trainer.alive
    for _ in range(3):
        ensure_dispatcher(runs)
    runner.jobs()
    wait(lambda: job().state not in {State.RUNNING, State.QUEUED})
    assert job().state == State.FINISHED, (job().reason, runner.log(run_id).text[-2000:])
    assert job().attempt == 1
    assert len(runner.metrics(run_id)) == 6
    checkpoint = read_checkpoint(settings.checkpoints[0] / "survivor")
    assert len(checkpoint.card.history) == 6
    assert checkpoint.card.metrics["test"]
    wait(lambda: not dispatchers(runs))  # with nothing to do it leaves
