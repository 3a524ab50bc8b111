"""What other machines compute: decoded as here, stored as here, and kept when they fail half-way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from core.data import Dataset, open_dataset
from core.errors import InferenceError
from core.files import sha256_bytes
from core.inference import Outputs, preprocess
from core.models import Checkpoint, Preprocessing
from core.store import FeatureStore
from core.store.elsewhere import Chunk, index_elsewhere
from tests.store_fakes import DIMENSION, fake_checkpoint
from training.ray_index import GONE, chunk_of, decode

PREPROCESSING = Preprocessing(size=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@pytest.fixture
def dataset(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture
def checkpoint(dataset: Dataset) -> Checkpoint:
    return fake_checkpoint(dataset)


def answer(checkpoint: Checkpoint, shas: list[str], value: float) -> Outputs:
    def block(width: int) -> npt.NDArray[np.float32]:
        return np.full((len(shas), width), value, dtype=np.float32)

    return Outputs(
        block(DIMENSION), {task.name: block(len(task.labels)) for task in checkpoint.taxonomy.tasks}
    )


def test_images_are_read_checked_and_decoded_where_they_are_asked_for(
    dataset: Dataset, tmp_path: Path
) -> None:
    files = [dataset.file(0), dataset.file(1), tmp_path / "torn.jpg", tmp_path / "missing.jpg"]
    files[2].write_bytes(dataset.file(2).read_bytes()[:100])
    shas = [str(dataset.table["sha"].iat[0]), "0" * 64, sha256_bytes(files[2].read_bytes()), "1" * 64]
    batch = {"sha": shas, "file": [str(file) for file in files], "thumbnail": [True, True, False, True]}
    found = decode(batch, PREPROCESSING)
    assert found["failure"][0] == "" and found["failure"][1] == found["failure"][3] == GONE
    assert found["failure"][2] not in {"", GONE}
    np.testing.assert_array_equal(found["pixels"][0], preprocess(files[0].read_bytes(), PREPROCESSING))
    assert not found["pixels"][1:].any()
    assert [bool(jpeg) for jpeg in found["small"]] == [True, False, False, False]


def test_a_chunk_holds_what_was_predicted_and_why_the_rest_was_not(
    dataset: Dataset, checkpoint: Checkpoint
) -> None:
    tasks = checkpoint.taxonomy.names
    columns = {f"logits_{n}": np.arange(6.0).reshape(3, 2) for n in range(len(tasks))}
    batch = {"sha": ["a", "b", "c"], "failure": ["", "torn", GONE], "small": [b"jpeg", b"", b""], **columns}
    chunk = chunk_of({**batch, "embedding": np.eye(3)}, tasks)
    assert (chunk.shas, chunk.failed, chunk.passed_over) == (["a"], {"b": "torn"}, 1)
    assert chunk.thumbnails == {"a": b"jpeg"}
    np.testing.assert_array_equal(chunk.outputs.logits[tasks[0]], [[0.0, 1.0]])


def test_what_arrived_is_kept_and_not_asked_for_again(
    dataset: Dataset, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    asked: list[int] = []

    def compute(images: pd.DataFrame) -> Iterator[Chunk]:
        asked.append(len(images))
        shas = list(images["sha"])
        assert all(Path(file).is_file() for file in images["file"])
        first = {shas[-1]: "torn"} if len(asked) == 1 else {}
        yield Chunk(shas[:5], answer(checkpoint, shas[:5], 1.0), first, {shas[0]: b"jpeg"})
        if len(asked) == 1:
            raise InferenceError("a machine is gone")
        yield Chunk(shas[5:], answer(checkpoint, shas[5:], 2.0))

    def index() -> int:
        return index_elsewhere(tmp_path, dataset, checkpoint, compute, engine="torch", precision="f32")

    with pytest.raises(InferenceError, match="machine is gone"):
        index()
    store = FeatureStore(tmp_path)
    assert store.status(dataset, checkpoint).done == 5 and store.status(dataset, checkpoint).failed == 1
    assert index() == len(dataset) - 6 == asked[1]
    assert index() == 0 and len(asked) == 2
    found = store.predictions(dataset, checkpoint)
    assert found.present.sum() == len(dataset) - 1 and (found.engine, found.precision) == ("torch", "f32")
    assert list(found.failures.values()) == ["torn"]
    sha = str(dataset.table["sha"].iat[0])
    assert store.thumbnails([sha]) == {sha: b"jpeg"}
