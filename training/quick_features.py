"""The features of a data set on a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.dataset import Dataset
from core.inference.engine import Engine, Outputs, network_engine
from core.inference.prediction import predict_images
from core.models.card import Preprocessing
from core.models.network import MultiTaskNetwork
from core.progress import Progress, silent
from training.data import Part

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """Embeddings of the data set's rows (N, D) float32 and of their mirror images; NaN where there is none.

    Only training rows have a mirror image.
    """

    plain: Array
    mirrored: Array


@dataclass(frozen=True)
class Further:
    """Embeddings (M, D) float32 of further training images, NaN where unreadable, and codes {task: (M,)}."""

    plain: Array
    codes: dict[str, npt.NDArray[np.int64]]

    def of(self, task: str) -> tuple[Array, npt.NDArray[np.int64]]:
        """Embeddings (m, D) and codes (m,) of the images with a label of `task`."""
        usable = (self.codes[task] >= 0) & np.isfinite(self.plain).all(axis=1)
        return self.plain[usable], self.codes[task][usable]


def extract(
    network: MultiTaskNetwork, preprocessing: Preprocessing, dataset: Dataset, *, progress: Progress = silent
) -> Features:
    """Run the backbone over every image, and over the training images mirrored. Raises InferenceError."""
    engine = network_engine(network, preprocessing.size)
    rows = np.arange(len(dataset))
    train = rows[dataset.split_mask("train")]
    plain = _embed(engine, preprocessing, dataset, rows, _named(progress, "extracting features"))
    mirror = _Mirror(engine)
    mirrored = _embed(mirror, preprocessing, dataset, train, _named(progress, "extracting mirrored features"))
    return Features(plain, mirrored)


def extract_further(
    network: MultiTaskNetwork,
    preprocessing: Preprocessing,
    parts: Sequence[Part],
    progress: Progress = silent,
) -> Further:
    """Run the backbone over images of further data sets. Raises InferenceError."""
    engine = network_engine(network, preprocessing.size)
    files = [file for part in parts for file in part.files]
    codes = {task: np.concatenate([part.codes[task] for part in parts]) for task in parts[0].codes}
    found = np.full((len(files), network.embedding_dim), np.nan, np.float32)
    named = _named(progress, "extracting features of further images")
    for batch in predict_images(engine, preprocessing, files, progress=named):
        found[batch.positions] = batch.outputs.embeddings
    return Further(found, codes)


class _Mirror:
    """An engine that looks at every image mirrored."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.precision, self.device = engine.name, engine.precision, engine.device
        self.calibration = engine.calibration

    def run(self, batch: Array) -> Outputs:
        return self._engine.run(np.ascontiguousarray(batch[..., ::-1]))


def _embed(
    engine: Engine,
    preprocessing: Preprocessing,
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    progress: Progress,
) -> Array:
    found: Array | None = None
    files = [dataset.file(int(row)) for row in rows]
    for batch in predict_images(engine, preprocessing, files, progress=progress):
        if len(batch.positions):
            if found is None:
                found = np.full((len(dataset), batch.outputs.embeddings.shape[1]), np.nan, np.float32)
            found[rows[batch.positions]] = batch.outputs.embeddings
    return found if found is not None else np.full((len(dataset), 1), np.nan, np.float32)


def _named(progress: Progress, note: str) -> Progress:
    return lambda done, total, _: progress(done, total, note)
