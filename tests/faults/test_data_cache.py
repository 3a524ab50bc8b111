"""Damaged caches, full disks and vanishing files never lead to wrong data."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.data import Dataset, facts, open_dataset
from core.data.sealed import read_sealed, write_sealed

KINDS = (".manifest", ".images")


@pytest.fixture
def cached(placeholder_root: Path, tmp_path: Path) -> Path:
    """A cache that knows the placeholder."""
    open_dataset(placeholder_root, cache=tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def truth(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


def check(dataset: Dataset, truth: Dataset) -> None:
    pd.testing.assert_frame_equal(dataset.table, truth.table)
    assert (dataset.fingerprint, dataset.taxonomy) == (truth.fingerprint, truth.taxonomy)


def files(cache: Path) -> dict[str, Path]:
    found = {path.suffix: path for path in (cache / "datasets").iterdir()}
    assert set(found) == set(KINDS)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_any_changed_byte_is_a_miss(cached: Path, kind: str) -> None:
    path = files(cached)[kind]
    sound = path.read_bytes()
    assert read_sealed(path) is not None
    for place in {*range(0, len(sound), max(1, len(sound) // 150)), *range(40), len(sound) - 1}:
        damaged = bytearray(sound)
        damaged[place] ^= 0x41
        path.write_bytes(bytes(damaged))
        assert read_sealed(path) is None, place
    for length in (0, 3, 35, 36, 37, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:length])
        assert read_sealed(path) is None, length
    path.write_bytes(sound + b"\0")
    assert read_sealed(path) is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "folder", "gone"])
def test_a_damaged_cache_is_made_anew(
    cached: Path, placeholder_root: Path, truth: Dataset, damage: str
) -> None:
    for path in files(cached).values():
        data = bytearray(path.read_bytes())
        path.unlink()
        if damage == "folder":
            path.mkdir()
        elif damage != "gone":
            data[len(data) // 2] ^= 1
            path.write_bytes(data[: len(data) // 2] if damage == "cut" else data)
    check(open_dataset(placeholder_root, cache=cached), truth)
    if damage != "folder":
        assert all(read_sealed(path) is not None for path in files(cached).values())


def test_the_disk_is_full_at_any_write(
    placeholder_root: Path, tmp_path: Path, truth: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail the n-th operation on the cache, for n = 1, 2, ... until none fails."""
    calls = 0
    failing = 0

    def failing_at(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(errno.ENOSPC, "No space left on device")
            return function(*args, **kwargs)

        return wrapper

    for module, name in (
        ("os", "open"),
        ("os", "fsync"),
        ("os", "replace"),
        ("pathlib.Path", "write_bytes"),
    ):
        target = f"core.files.{module}.{name}" if module != "pathlib.Path" else "core.files.Path.write_bytes"
        monkeypatch.setattr(target, failing_at(_original(module, name)))
    for failing in range(1, 40):
        calls = 0
        cache = tmp_path / f"cache{failing}"
        dataset = open_dataset(placeholder_root, cache=cache)
        check(dataset, truth)
        told = [problem for problem in dataset.report.problems if problem.kind == "not_cached"]
        assert not list(cache.rglob("*.tmp"))
        check(open_dataset(placeholder_root, cache=cache), truth)
        if calls < failing:
            break
        assert len(told) == 1 and "No space left" in told[0].message
    assert failing > 5


def _original(module: str, name: str) -> Any:
    import importlib

    return getattr(Path if module == "pathlib.Path" else importlib.import_module(module), name)


def test_an_image_that_vanishes_or_changes_while_it_is_read(
    placeholder_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(shutil.copytree(placeholder_root, tmp_path / "copy"))
    outside = tmp_path / "secret.jpg"
    shutil.copy(root / "images" / "circle_1_1.jpg", outside)
    gone, linked = root / "images" / "circle_1_2.jpg", root / "images" / "circle_1_3.jpg"
    examine = facts._decoded

    def meddle(*args: Any) -> Any:
        gone.unlink()
        linked.unlink()
        linked.symlink_to(outside)
        return examine(*args)

    monkeypatch.setattr(facts, "_decoded", meddle)
    dataset = open_dataset(root, cache=tmp_path / "cache")
    assert (len(dataset), dataset.report.quarantined) == (46, 2)
    messages = " ".join(problem.message for problem in dataset.report.problems)
    assert "leads outside" in messages and "No such file" in messages
    assert not list((tmp_path / "cache").rglob("*.manifest"))


def test_a_file_that_becomes_a_link_later_is_not_opened(placeholder_root: Path, tmp_path: Path) -> None:
    from core.errors import DataError

    root = Path(shutil.copytree(placeholder_root, tmp_path / "copy"))
    dataset = open_dataset(root)
    (root / dataset.table["path"].iat[0]).unlink()
    (root / dataset.table["path"].iat[0]).symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="leads outside"):
        dataset.file(0)


def test_sealed_tables_come_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x", "ü"], "b": [1, 2]})
    write_sealed(tmp_path / "t", frame, {"n": [1, None]})
    sealed = read_sealed(tmp_path / "t")
    assert sealed is not None and sealed[1] == {"n": [1, None]}
    pd.testing.assert_frame_equal(sealed[0], frame)
