"""Snapshots: a cache of the table that may be stale, damaged or impossible to write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.data import Dataset, open_dataset
from core.models import Checkpoint
from core.store import FeatureStore
from core.store import snapshot as module
from core.store.snapshot import FOLDER
from tests.store_fakes import Engines, fake_checkpoint, part


@pytest.fixture
def dataset(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture
def checkpoint(dataset: Dataset) -> Checkpoint:
    return fake_checkpoint(dataset)


@pytest.fixture
def cache(tmp_path: Path, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which the placeholder is indexed."""
    Engines(monkeypatch)
    FeatureStore(tmp_path).index(dataset, checkpoint)
    return tmp_path


def values(cache: Path, dataset: Dataset, checkpoint: Checkpoint) -> list[np.ndarray]:
    """Everything a fresh process would read."""
    found = FeatureStore(cache).predictions(dataset, checkpoint)
    return [found.present, *found.logits.values(), found.embeddings()]


def files(cache: Path) -> list[Path]:
    return sorted((FeatureStore(cache).entries()[0].folder / FOLDER).iterdir())


def damages(data: bytes) -> list[bytes]:
    """The file cut short, emptied, and with a bit flipped in every region."""
    found = [b"", data[: len(data) // 2], data[:-1], data + b"x"]
    for position in np.linspace(0, len(data) - 1, 12).astype(int):
        found.append(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
    return found


@pytest.mark.parametrize("kind", [".arrow", ".bin", ".json"])
def test_damage_anywhere_never_changes_what_is_read(
    kind: str, cache: Path, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    wanted = values(cache, dataset, checkpoint)
    (path,) = (path for path in files(cache) if path.suffix == kind)
    data = path.read_bytes()
    for damage in damages(data):
        path.write_bytes(damage)
        for found, good in zip(values(cache, dataset, checkpoint), wanted, strict=True):
            np.testing.assert_array_equal(found, good)
    path.unlink()
    for found, good in zip(values(cache, dataset, checkpoint), wanted, strict=True):
        np.testing.assert_array_equal(found, good)


def test_a_snapshot_is_read_without_the_table(cache: Path, dataset: Dataset, checkpoint: Checkpoint) -> None:
    wanted = values(cache, dataset, checkpoint)
    for path in (FeatureStore(cache).entries()[0].folder / "rows.lance" / "data").iterdir():
        path.write_bytes(b"")
    for found, good in zip(values(cache, dataset, checkpoint), wanted, strict=True):
        np.testing.assert_array_equal(found, good)


def test_a_disk_without_room_for_it_only_costs_time(
    cache: Path, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = values(cache, dataset, checkpoint)
    for path in files(cache):
        path.unlink()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "atomic_path", full)
    for found, good in zip(values(cache, dataset, checkpoint), wanted, strict=True):
        np.testing.assert_array_equal(found, good)
    assert files(cache) == []


def test_only_the_newest_snapshot_is_kept(
    tmp_path: Path, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engines(monkeypatch)
    for rows in (10, 20, 30):
        FeatureStore(tmp_path).index(part(dataset, slice(0, rows)), checkpoint)
    assert len(files(tmp_path)) == 3 and len({path.stem for path in files(tmp_path)}) == 1


def test_embeddings_are_found_after_the_store_has_grown(
    tmp_path: Path, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engines(monkeypatch)
    store = FeatureStore(tmp_path)
    store.index(part(dataset, slice(0, 10)), checkpoint)
    early = FeatureStore(tmp_path).predictions(dataset, checkpoint)
    store.index(dataset, checkpoint)
    late = store.predictions(dataset, checkpoint).embeddings()
    found = early.embeddings()
    np.testing.assert_array_equal(found[:10], late[:10])
    assert np.isnan(found[10:]).all() and early.present.sum() == 10
