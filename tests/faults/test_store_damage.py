"""Damage to the LanceDB files, anywhere: an error that names the folder, or fewer rows; no other values."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data import Dataset, open_dataset
from core.errors import StoreError
from core.models import Checkpoint
from core.store import FeatureStore, Predictions
from core.store.snapshot import FOLDER
from core.store.thumbnails import Thumbnails
from tests.store_fakes import Engines, fake_checkpoint, part


@pytest.fixture(scope="module")
def dataset(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture(scope="module")
def checkpoint(dataset: Dataset) -> Checkpoint:
    return fake_checkpoint(dataset)


@pytest.fixture(scope="module")
def indexed(dataset: Dataset, checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with two commits and no snapshot."""
    cache = tmp_path_factory.mktemp("indexed")
    with pytest.MonkeyPatch.context() as patch:
        Engines(patch)
        FeatureStore(cache).index(part(dataset, slice(0, 30)), checkpoint)
        FeatureStore(cache).index(dataset, checkpoint)
    shutil.rmtree(FeatureStore(cache).entries()[0].folder / FOLDER)
    return cache


def damage(path: Path, dice: random.Random) -> str:
    """Flip a bit, wipe a stretch or cut the file short."""
    data = bytearray(path.read_bytes())
    spot, kind = dice.randrange(len(data)), dice.choice(["flip", "wipe", "cut"])
    if kind == "flip":
        data[spot] ^= 1 << dice.randrange(8)
    elif kind == "wipe":
        data[spot : spot + 64] = bytes(len(data[spot : spot + 64]))
    else:
        del data[spot:]
    path.write_bytes(data)
    return f"{kind} at {spot} of {path.name}"


def table_files(folder: Path) -> list[Path]:
    return sorted(
        path for path in (folder / "rows.lance").rglob("*") if path.is_file() and path.stat().st_size
    )


def same_where_present(found: Predictions, good: Predictions) -> None:
    rows = found.present
    for task, logits in found.logits.items():
        np.testing.assert_array_equal(logits[rows], good.logits[task][rows])
        assert np.isnan(logits[~rows]).all()
    np.testing.assert_array_equal(found.embeddings()[rows], good.embeddings()[rows])


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_table_is_an_error_or_a_miss(
    seed: int, indexed: Path, dataset: Dataset, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    good = FeatureStore(shutil.copytree(indexed, tmp_path / "good")).predictions(dataset, checkpoint)
    store = FeatureStore(shutil.copytree(indexed, tmp_path / "bad"))
    folder = store.entries()[0].folder
    dice = random.Random(seed)
    # every other time the newest file of rows or of versions: those are read, the rest may not be
    choices = table_files(folder) if seed % 2 else [p for p in table_files(folder) if p.suffix == ".lance"]
    told = damage(dice.choice(choices), dice)
    try:
        found = store.predictions(dataset, checkpoint)
    except StoreError as error:
        assert str(folder) in error.fix or "index" in error.fix, told
    else:
        same_where_present(found, good)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_table_of_thumbnails_shows_no_other_picture(
    seed: int, indexed: Path, dataset: Dataset, tmp_path: Path
) -> None:
    shas = list(dataset.table["sha"])
    good = FeatureStore(indexed).thumbnails(shas)
    assert len(good) == len(shas)
    store = FeatureStore(shutil.copytree(indexed, tmp_path / "bad"))
    dice = random.Random(seed)
    told = damage(dice.choice(table_files(Thumbnails(store.root).folder)), dice)
    try:
        found = store.thumbnails(shas)
    except StoreError as error:
        assert "features" in error.cause, told
    else:
        assert all(good[sha] == jpeg for sha, jpeg in found.items()), told
    assert FeatureStore(tmp_path / "bad").thumbnails(shas, dataset=dataset) == good, told


def test_the_fix_works(indexed: Path, dataset: Dataset, checkpoint: Checkpoint, tmp_path: Path) -> None:
    store = FeatureStore(shutil.copytree(indexed, tmp_path / "bad"))
    folder = store.entries()[0].folder
    for path in (folder / "rows.lance" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError) as caught:
        store.predictions(dataset, checkpoint)
    assert f"Delete {folder} and run index again" in caught.value.fix
    shutil.rmtree(folder)
    with pytest.MonkeyPatch.context() as patch:
        Engines(patch)
        assert store.index(dataset, checkpoint).complete
    good, again = (
        FeatureStore(indexed).predictions(dataset, checkpoint),
        store.predictions(dataset, checkpoint),
    )
    for task, logits in again.logits.items():
        np.testing.assert_allclose(logits, good.logits[task], rtol=1e-4, atol=1e-4)
