"""Saving over an old checkpoint, cut off at every file operation: the old one or the new one is there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import CheckpointError
from core.models import Checkpoint, load_network, read_checkpoint, save_checkpoint
from core.models.checkpoint import CARD, NEXT_WEIGHTS, WEIGHTS, read_weights
from tests.model_case import make_card, make_network, save_small

FailAt = Callable[[int, BaseException], list[int]]
MOST = 60


class Killed(BaseException):
    """The process ends here: nothing after it runs, except what no process can run."""


@pytest.fixture
def fail_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailAt]:
    """`fail_at(n, error)`: the n-th file operation from now on raises; for a kill, so does all after it."""

    def arm(number: int, error: BaseException) -> list[int]:
        count = [0]

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def operation(*args: object, **options: object) -> object:
                count[0] += 1
                if count[0] == number or (count[0] > number and isinstance(error, Killed)):
                    raise error
                return real(*args, **options)

            return operation

        monkeypatch.setattr(os, "replace", counted(os.replace))
        monkeypatch.setattr(os, "fsync", counted(os.fsync))
        monkeypatch.setattr(os, "open", counted(os.open))
        monkeypatch.setattr(Path, "write_bytes", counted(Path.write_bytes))
        monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
        return count

    yield arm
    monkeypatch.undo()


def _runs(
    tmp_path: Path,
    fail_at: FailAt,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[], BaseException],
) -> Iterator[tuple[BaseException | None, Path, tuple[str, str]]]:
    """Save a new checkpoint over an old one with operation 1, 2, ... failing, until a save gets through."""
    old, new = save_small(tmp_path / "old"), save_small(tmp_path / "new", seed=1)
    network = load_network(new)
    for number in range(1, MOST):
        folder = tmp_path / str(number)
        shutil.copytree(old.path, folder)
        fail_at(number, make())
        raised: BaseException | None = None
        try:
            save_checkpoint(folder, network, new.card)
        except (Killed, OSError) as error:
            raised = error
        monkeypatch.undo()
        yield raised, folder, (old.hash, new.hash)
        if raised is None:
            return
    raise AssertionError(f"no save got through within {MOST} operations")


def test_a_kill_at_any_operation_leaves_a_whole_checkpoint(
    tmp_path: Path, fail_at: FailAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    third = make_network(seed=2)
    for raised, folder, (old, new) in _runs(tmp_path, fail_at, monkeypatch, Killed):
        checkpoint = read_checkpoint(folder)
        read_weights(checkpoint)
        assert checkpoint.hash in (old, new)
        assert raised is not None or checkpoint.hash == new
        seen.add(checkpoint.hash == new)
        after = save_checkpoint(folder, third, make_card(third))  # whatever was left behind
        assert read_checkpoint(folder) == after and read_weights(after)
        assert not (folder / NEXT_WEIGHTS).exists()
    assert seen == {False, True}


def test_a_full_disk_at_any_operation_keeps_the_old_checkpoint(
    tmp_path: Path, fail_at: FailAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> OSError:
        return OSError(errno.ENOSPC, "No space left on device")

    failures = 0
    for raised, folder, (old, new) in _runs(tmp_path, fail_at, monkeypatch, full):
        checkpoint = read_checkpoint(folder)
        read_weights(checkpoint)
        assert checkpoint.hash in (old, new)
        failures += raised is not None
    assert failures >= 5


def test_a_save_after_one_cut_off_before_its_last_rename_loses_nothing(tmp_path: Path) -> None:
    first = save_small(tmp_path)
    second = save_small(tmp_path / "other", seed=1)
    (first.path / CARD).write_bytes((second.path / CARD).read_bytes())  # the state between the last two steps
    (first.path / NEXT_WEIGHTS).write_bytes((second.path / WEIGHTS).read_bytes())
    torn = read_checkpoint(first.path)
    assert torn.hash == second.hash
    load_network(torn)

    network = make_network(seed=2)
    with pytest.raises(OSError, match="disk"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.models.weights.atomic_write", _full)
        save_checkpoint(first.path, network, make_card(network))
    load_network(read_checkpoint(first.path))


def test_a_reader_with_the_old_card_is_told_when_the_weights_were_replaced(tmp_path: Path) -> None:
    old = save_small(tmp_path)
    save_small(tmp_path, seed=1)
    with pytest.raises(CheckpointError, match="cannot be used"):
        read_weights(old)


def _full(path: Path, data: bytes) -> None:
    raise OSError(errno.ENOSPC, "no room on the disk")


def test_two_checkpoints_that_differ_have_different_hashes(tmp_path: Path) -> None:
    found: list[Checkpoint] = [save_small(tmp_path / str(seed), seed=seed) for seed in range(3)]
    assert len({checkpoint.hash for checkpoint in found}) == 3
