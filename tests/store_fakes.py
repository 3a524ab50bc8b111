"""A checkpoint without weights and an engine that computes from pixels: the store's tests need no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from core.data import Dataset
from core.data.images import decode_rgb
from core.inference import Outputs
from core.models import BACKBONES, Card, Checkpoint, Preprocessing

BACKBONE = "deit_tiny_patch16_224"
DIMENSION = BACKBONES[BACKBONE].embedding_dim


class FakeEngine:
    """Deterministic outputs of the pixels; counts the images it has seen."""

    device = "cpu"

    def __init__(
        self, checkpoint: Checkpoint, name: str = "torch", precision: str = "f32", calibration: str = ""
    ) -> None:
        self.name, self.precision, self.calibration = name, precision, calibration
        self.seen = 0
        self.batches = 0
        random = np.random.default_rng(5)
        self.projection = random.standard_normal((3 * 16 * 16, DIMENSION)).astype(np.float32) / 10
        self.heads = {
            task.name: random.standard_normal((DIMENSION, len(task.labels))).astype(np.float32)
            for task in checkpoint.taxonomy.tasks
        }

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        self.seen += len(batch)
        self.batches += 1
        embeddings = batch.reshape(len(batch), -1) @ self.projection
        return Outputs(embeddings, {task: embeddings @ head for task, head in self.heads.items()})


def small_pixels(data: bytes, preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """A preprocessing that needs no torch."""
    side = preprocessing.size
    pixels = np.asarray(decode_rgb(data).resize((side, side)), dtype=np.float32)
    return (pixels / 255 - 0.5).transpose(2, 0, 1)


class Engines:
    """Stands in for `core.inference.open_engine`, and keeps what it opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[FakeEngine] = []
        monkeypatch.setattr("core.inference.open_engine", self)
        monkeypatch.setattr("core.inference.prediction.preprocess", small_pixels)

    def __call__(
        self, checkpoint: Checkpoint, engine: str = "auto", precision: str = "auto", **how: Any
    ) -> FakeEngine:
        name = "torch" if engine == "auto" else engine
        calibration = how["calibration"].key if precision == "int8" else ""
        precision = "f32" if precision == "auto" else precision
        self.opened.append(FakeEngine(checkpoint, name, precision, calibration))
        return self.opened[-1]

    @property
    def seen(self) -> int:
        """How many images were predicted."""
        return sum(engine.seen for engine in self.opened)


def fake_checkpoint(dataset: Dataset, name: str = "fake", digit: str = "a", **changes: object) -> Checkpoint:
    """A checkpoint of `dataset`'s tasks; `digit` makes its hash."""
    facts: dict[str, object] = {
        "name": name,
        "backbone": BACKBONE,
        "taxonomy": dataset.taxonomy.to_json(),
        "preprocessing": Preprocessing(size=16, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        "embedding_dim": DIMENSION,
        "parameters": 1,
        "sha256": digit * 64,
        **changes,
    }
    return Checkpoint(Path("nowhere"), Card.model_validate(facts))


def part(dataset: Dataset, rows: slice | list[int]) -> Dataset:
    """Some rows of a data set."""
    return replace(dataset, table=dataset.table.iloc[rows].reset_index(drop=True), fingerprint="f" * 32)
