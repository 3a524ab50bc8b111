"""Indexing: what is predicted, what is kept, what is chosen."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from core.data import Dataset, open_dataset
from core.errors import Cancelled, StoreError
from core.files import sha256_bytes
from core.inference import Outputs, predict_images
from core.models import Checkpoint
from core.store import FeatureStore, IndexStatus
from core.store.indexing import RUN_LOCK
from core.store.variant import Variant, make_entry
from tests.store_fakes import Engines, FakeEngine, fake_checkpoint, part


@pytest.fixture
def root(tmp_path: Path, placeholder_root: Path) -> Path:
    """A copy of the placeholder that may be changed."""
    return Path(shutil.copytree(placeholder_root, tmp_path / "data"))


@pytest.fixture
def dataset(root: Path) -> Dataset:
    return open_dataset(root)


@pytest.fixture
def checkpoint(dataset: Dataset) -> Checkpoint:
    return fake_checkpoint(dataset, temperature={dataset.taxonomy.primary.name: 2.0})


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "cache")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    return Engines(monkeypatch)


def expected(dataset: Dataset, checkpoint: Checkpoint) -> Outputs:
    """What the engine says of every row, in order, without a store."""
    files = [dataset.file(row) for row in range(len(dataset))]
    batches = list(predict_images(FakeEngine(checkpoint), checkpoint.card.preprocessing, files))
    logits = {t: np.concatenate([b.outputs.logits[t] for b in batches]) for t in dataset.taxonomy.names}
    return Outputs(np.concatenate([batch.outputs.embeddings for batch in batches]), logits)


def stop_after(images: int):  # type: ignore[no-untyped-def]
    def progress(done: int, total: int, note: str) -> None:
        if note == "images" and done >= images:
            raise Cancelled

    return progress


def test_predictions_are_the_engines_outputs_in_the_data_sets_order(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    status = store.index(dataset, checkpoint)
    assert status == IndexStatus(len(dataset), len(dataset), 0, "torch", "f32")
    backwards = part(dataset, list(range(len(dataset)))[::-1])
    for subject in (dataset, backwards, part(dataset, slice(5, 20))):
        wanted = expected(subject, checkpoint)
        found = FeatureStore(store.root.parent).predictions(subject, checkpoint)
        assert found.present.all() and found.dataset_fingerprint == subject.fingerprint
        for task in subject.taxonomy.names:
            assert found.logits[task].dtype == np.float32
            np.testing.assert_allclose(found.logits[task], wanted.logits[task], rtol=1e-5, atol=1e-5)
        assert found.embeddings().dtype == np.float32
        np.testing.assert_allclose(found.embeddings(), wanted.embeddings, rtol=1e-3, atol=1e-3)
        assert found.compact_embeddings().dtype == np.float16


def test_probabilities_use_the_cards_temperature(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    store.index(dataset, checkpoint)
    found = store.predictions(dataset, checkpoint)
    task = dataset.taxonomy.primary.name
    scaled = np.exp(found.logits[task].astype(float) / 2.0)
    np.testing.assert_allclose(found.probabilities(task), scaled / scaled.sum(1, keepdims=True), rtol=1e-4)


def test_an_indexed_data_set_opens_no_engine(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    store.index(dataset, checkpoint)
    store.index(dataset, checkpoint)
    assert len(engines.opened) == 1 and engines.seen == dataset.table["sha"].nunique()


def test_only_new_content_is_predicted(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    store.index(part(dataset, slice(0, 20)), checkpoint)
    assert store.status(dataset, checkpoint).done == 20
    assert store.predictions(dataset, checkpoint).present.sum() == 20
    store.index(dataset, checkpoint)
    assert engines.seen == len(dataset) and store.status(dataset, checkpoint).complete


def test_a_moved_data_set_costs_nothing(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines, tmp_path: Path
) -> None:
    store.index(dataset, checkpoint)
    moved = open_dataset(Path(shutil.move(dataset.root, tmp_path / "elsewhere")))
    assert store.index(moved, checkpoint).complete and len(engines.opened) == 1


def test_cancelling_keeps_what_is_done(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    with pytest.raises(Cancelled):
        store.index(dataset, checkpoint, progress=stop_after(32))
    assert store.status(dataset, checkpoint).done == 32
    absent = ~store.predictions(dataset, checkpoint).present
    for array in (*store.predictions(dataset, checkpoint).logits.values(),):
        assert np.isnan(array[absent]).all() and np.isfinite(array[~absent]).all()
    assert np.isnan(store.predictions(dataset, checkpoint).embeddings()[absent]).all()
    store.index(dataset, checkpoint)
    assert engines.opened[-1].seen == len(dataset) - 32
    wanted = expected(dataset, checkpoint).logits
    for task, logits in store.predictions(dataset, checkpoint).logits.items():
        np.testing.assert_allclose(logits, wanted[task], rtol=1e-5, atol=1e-5)


def damaged(dataset: Dataset, row: int) -> Dataset:
    """The data set with one image that is broken, and was so when it was fingerprinted."""
    data = b"\xff\xd8\xff\xe0 not a picture"
    dataset.file(row).write_bytes(data)
    table = dataset.table.copy()
    table.loc[row, "sha"] = sha256_bytes(data)
    return replace(dataset, table=table)


def test_a_broken_image_is_counted_with_its_reason_and_not_tried_again(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    broken = damaged(dataset, 3)
    status = store.index(broken, checkpoint)
    assert (status.failed, status.done, status.complete) == (1, len(dataset) - 1, True)
    found = store.predictions(broken, checkpoint)
    assert not found.present[3] and found.present.sum() == len(dataset) - 1
    assert "cannot be read" in found.failures[broken.table["sha"].iat[3]]
    store.index(broken, checkpoint)
    assert len(engines.opened) == 1
    assert store.index(broken, checkpoint, retry_failed=True).failed == 1
    assert len(engines.opened) == 2


def test_a_file_that_changed_is_left_pending(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    dataset.file(0).write_bytes(dataset.file(1).read_bytes())
    dataset.file(2).unlink()
    status = store.index(dataset, checkpoint)
    assert (status.pending, status.failed) == (2, 0)
    assert not store.predictions(dataset, checkpoint).present[[0, 2]].any()


def test_outputs_that_are_not_finite_are_failures(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FakeEngine.run

    def broken(self: FakeEngine, batch: np.ndarray) -> Outputs:
        found = run(self, batch)
        found.embeddings[0] = 1e6
        found.logits[dataset.taxonomy.primary.name][1, 0] = np.nan
        return found

    monkeypatch.setattr(FakeEngine, "run", broken)
    status = store.index(part(dataset, slice(0, 10)), checkpoint)
    assert (status.done, status.failed) == (8, 2)
    assert "finite" in next(iter(store.predictions(dataset, checkpoint).failures.values()))


def test_outputs_of_another_shape_are_refused(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FakeEngine,
        "run",
        lambda self, batch: Outputs(
            np.zeros((len(batch), 7), np.float32),
            {task: np.zeros((len(batch), 2), np.float32) for task in dataset.taxonomy.names},
        ),
    )
    with pytest.raises(StoreError, match="does not fit its card"):
        store.index(dataset, checkpoint)


def test_nothing_indexed_says_what_to_run(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    assert store.status(dataset, checkpoint) == IndexStatus(0, len(dataset), 0, "", "")
    with pytest.raises(StoreError) as caught:
        store.predictions(dataset, checkpoint)
    assert "python -m core index" in caught.value.fix and checkpoint.name in caught.value.fix


def test_the_most_complete_variant_is_chosen_then_the_newest(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    few = part(dataset, slice(0, 5))
    store.index(few, checkpoint, engine="torch")
    store.index(few, checkpoint, engine="openvino", precision="bf16")
    assert store.predictions(few, checkpoint).engine == "openvino"
    store.index(part(dataset, slice(0, 8)), checkpoint, engine="torch")
    assert store.predictions(dataset, checkpoint).engine == "torch"
    assert store.predictions(few, checkpoint).precision == "bf16"
    assert store.status(dataset, checkpoint, engine="openvino").done == 5


def test_checkpoints_and_preprocessings_do_not_mix(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    store.index(dataset, checkpoint)
    other = fake_checkpoint(dataset, digit="b")
    changed = checkpoint.card.preprocessing.model_copy(update={"crop_pct": 0.9})
    cropped = replace(checkpoint, card=checkpoint.card.model_copy(update={"preprocessing": changed}))
    assert store.status(dataset, other).done == store.status(dataset, cropped).done == 0
    assert len({Variant.of(c, "torch", "f32").key for c in (checkpoint, other, cropped)}) == 3


def test_the_version_changes_with_what_is_stored(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    seen = [store.version(checkpoint)]
    for rows in (5, 10):
        store.index(part(dataset, slice(0, rows)), checkpoint)
        seen.append(store.version(checkpoint))
    assert len(set(seen)) == 3 and store.version(checkpoint) == seen[-1]


def test_another_temperature_keeps_what_is_stored(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    store.index(dataset, checkpoint)
    changed = checkpoint.card.model_copy(update={"temperature": {dataset.taxonomy.primary.name: 3.0}})
    hotter = replace(checkpoint, card=changed)
    assert store.status(dataset, hotter).complete and store.version(hotter) == store.version(checkpoint)
    store.index(dataset, hotter)
    assert len(engines.opened) == 1
    assert store.predictions(dataset, hotter).temperature == changed.temperature


def test_a_second_indexer_waits_and_can_be_cancelled(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint
) -> None:
    entry = make_entry(store.root, Variant.of(checkpoint, "torch", "f32"), checkpoint.name)
    notes = []

    def progress(done: int, total: int, note: str) -> None:
        notes.append(note)
        raise Cancelled

    with FileLock(entry.folder / RUN_LOCK), pytest.raises(Cancelled):
        store.index(dataset, checkpoint, progress=progress)
    assert notes == ["waiting for another process that indexes this data"]
    assert store.index(dataset, checkpoint).complete


def test_a_damaged_key_file_is_a_miss(store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint) -> None:
    store.index(dataset, checkpoint)
    key = store.entries()[0].folder / "key.json"
    key.write_text(key.read_text().replace('"f32"', '"f16"'))
    assert store.entries() == [] and store.status(dataset, checkpoint).done == 0
    assert store.index(dataset, checkpoint).complete and len(store.entries()) == 1


def test_pruning_deletes_one_variant(store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint) -> None:
    store.index(dataset, checkpoint, engine="torch")
    store.index(dataset, checkpoint, engine="openvino")
    assert store.prune(store.entries()[0].folder.name) > 0
    assert [entry.variant.engine for entry in store.entries()] == ["openvino"]
    assert store.predictions(dataset, checkpoint).engine == "openvino"


def test_int8_lies_apart_is_given_only_when_asked_for_and_belongs_to_its_calibration(
    store: FeatureStore, dataset: Dataset, checkpoint: Checkpoint, engines: Engines
) -> None:
    test = dataset.split_mask("test")
    store.index(dataset, checkpoint, precision="int8", rows=test)
    assert engines.seen == test.sum()
    assert not store.status(dataset, checkpoint).done
    rounded = store.predictions(dataset, checkpoint, precision="int8")
    assert rounded.precision == "int8" and (rounded.present == test).all()
    store.index(dataset, checkpoint)
    assert store.predictions(dataset, checkpoint).precision == "f32"
    store.index(dataset, checkpoint, precision="int8", rows=test)
    assert engines.seen == test.sum() + len(dataset)
    first = int(np.flatnonzero(dataset.split_mask("train"))[0])
    fewer = part(dataset, [row for row in range(len(dataset)) if row != first])
    assert store.status(fewer, checkpoint).done and not store.status(fewer, checkpoint, precision="int8").done
