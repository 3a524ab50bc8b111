"""One run on two processes of this machine, which talk by gloo: the same run as on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import HOME, Settings
from tests.training_case import run_folder, tiny_spec
from training.run import train


def python(*arguments: str, **environment: str) -> str:
    """Run a command in this project; what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=550,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout


@pytest.mark.timeout(600)
def test_two_processes_train_as_one_does(placeholder_root: Path, tmp_path: Path) -> None:
    out = python("tests/training_pair.py", str(placeholder_root), str(tmp_path))
    alone, shared = json.loads(next(line for line in out.splitlines() if line.startswith("RESULTS "))[8:])
    assert len(alone) == len(shared) == 2
    for one, two in zip(alone, shared, strict=True):
        assert two["score"] == one["score"]
        for task, scores in one["val"].items():
            assert two["val"][task]["loss"] == pytest.approx(scores["loss"], rel=1e-4)
    assert alone[0]["val"] != alone[1]["val"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_starts_its_processes(settings: Settings) -> None:
    folder = run_folder(settings, "shared")
    tiny_spec(settings, name="shared").model_copy(update={"workers": 2}).write(folder.spec)
    argv = ["run", "--continue", "shared", "--name", "shared", "--workers", "2", "--json"]
    out = python("-m", "training", *argv, VITRINE_CACHE=str(settings.cache))
    assert "with 2 processes" in out and '"state": "finished"' in out
    assert (settings.checkpoints[0] / "shared" / "card.json").exists()


def test_a_group_of_another_size_is_refused(settings: Settings) -> None:
    spec = tiny_spec(settings).model_copy(update={"workers": 2})
    folder = run_folder(settings, "alone")
    assert train(spec, folder) == "failed"
    status = folder.read_status()
    assert status is not None and "1 processes, not 2" in status.reason
