"""Runs that cannot go on: a full disk, a loss that is no number, hostile files. Each ends with its reason."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from core import files
from core.files import sha256_file
from core.settings import Settings
from tests.training_case import run_folder, tiny_spec
from training import run as run_module
from training.assembly import assemble
from training.jobs.progress import RunFolder
from training.loop import Loop
from training.reporter import Reporter
from training.run import main, train
from training.spec import RunSpec

PHASES = [{"name": "all", "epochs": 2, "backbone_lr": 0.0005, "head_lr": 0.001}]


@pytest.fixture
def only_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out evaluation and publishing, which other tests hold."""

    def finish(spec: RunSpec, folder: RunFolder, *_: object) -> Any:
        return type("Done", (), {"path": folder.path})

    monkeypatch.setattr("training.finish.finish", finish)


def test_a_full_disk_at_any_write_ends_as_failed_and_resumes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, only_the_loop: None
) -> None:
    spec = tiny_spec(settings, phases=[{**PHASES[0], "epochs": 1}])
    whole = run_folder(settings, "whole")
    assert train(spec, whole) == "finished"
    expected = sha256_file(whole.last)
    write, number, states = files._fsync, 0, []
    while not states or states[-1] != "finished":
        number += 1
        count = iter(range(1, 10**6))

        def full(path: Path, number: int = number, count: Any = count) -> None:
            if path.is_file() and next(count) == number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            write(path)

        folder = run_folder(settings, f"full-{number}")
        with monkeypatch.context() as patch:
            patch.setattr(files, "_fsync", full)
            states.append(train(spec, folder))
        if states[-1] == "failed":
            status = folder.read_status()
            assert status is not None and "No space left" in status.reason
            assert not list(folder.path.glob(".*.tmp"))
            assert train(spec, folder) == "finished"
        assert sha256_file(folder.last) == expected
        assert [record["epoch"] for record in folder.read_metrics()] == [1]
    assert number > 5


def test_a_recipe_that_diverges_ends_as_failed_with_the_reason(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Loop._losses

    def blown_up(self: Loop, *arguments: Any) -> dict[str, torch.Tensor]:
        found = honest(self, *arguments)
        late = self.at.epoch == 1
        return {name: value * float("inf") * 0 for name, value in found.items()} if late else found

    monkeypatch.setattr(Loop, "_losses", blown_up)
    folder = run_folder(settings, "diverges")
    assert train(tiny_spec(settings, phases=PHASES), folder) == "failed"
    status = folder.read_status()
    assert status is not None and status.state == "failed"
    assert "not a number in epoch 2" in status.reason and "learning rates" in status.reason
    assert [record["epoch"] for record in folder.read_metrics()] == [1]
    assert not (settings.checkpoints[0] / "tiny").exists()


def test_images_that_break_are_left_out(settings: Settings, placeholder_root: Path, tmp_path: Path) -> None:
    spec = tiny_spec(settings, phases=PHASES)
    parts = assemble(spec)
    victim = parts.data.files[int(parts.data.train[0])]
    copy = tmp_path / "copy"
    shutil.copytree(placeholder_root, copy)
    broken = copy / victim.relative_to(placeholder_root.resolve())
    damaged = assemble(spec.model_copy(update={"data": str(copy)}))
    broken.write_bytes(broken.read_bytes()[:200])
    gone = damaged.bank.__class__(damaged.data.files, damaged.bank.prepare).fill(damaged.data.train)
    assert len(gone) == 1
    assert len(damaged.data.without(gone).train) == len(parts.data.train) - 1
    again = assemble(spec.model_copy(update={"data": str(copy)}))
    assert len(again.data.train) == len(parts.data.train) - 1
    folder = run_folder(settings, "broken")
    Loop(again, folder, Reporter(folder, spec.recipe)).run()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("[]", "not acceptable"),
        ('{"name": "$(touch x)"}', "not acceptable"),
        ("{" * 5000, "cannot be read"),
    ],
)
def test_a_spec_that_is_none_ends_as_failed(settings: Settings, text: str, said: str) -> None:
    folder = run_folder(settings, "hostile")
    folder.spec.write_text(text)
    assert main(["--spec", str(folder.spec), "--resume", "--attempt", "1"]) == run_module.FAILED
    status = folder.read_status()
    assert status is not None and status.state == "failed" and said in status.reason


def test_a_run_has_one_trainer(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    from filelock import FileLock

    folder = run_folder(settings, "held")
    tiny_spec(settings).write(folder.spec)
    with FileLock(folder.lock):
        assert main(["--spec", str(folder.spec)]) == run_module.HELD_ELSEWHERE
    assert "Another process" in capsys.readouterr().err
    assert folder.read_status() is None


def test_a_data_set_that_is_gone_ends_as_failed(settings: Settings) -> None:
    spec = tiny_spec(settings).model_copy(update={"data": "/nowhere"})
    folder = run_folder(settings, "gone")
    assert train(spec, folder) == "failed"
    status = folder.read_status()
    assert status is not None and "nowhere" in status.reason
