"""Predictions for one image at a time, on engines that stay open."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.inference.engine import Engine, open_engine
from core.inference.preprocessing import preprocess
from core.models.checkpoint import Checkpoint

OPEN_ENGINES = 4
_opening = threading.Lock()


@lru_cache(maxsize=OPEN_ENGINES)
def _engine(checkpoint: _Key, engine: str, precision: str) -> Engine:
    return open_engine(checkpoint.checkpoint, engine, precision)


class _Key:
    """A checkpoint as a cache key: two readings of one checkpoint are equal by its weights' hash."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def __hash__(self) -> int:
        return hash(self.checkpoint.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.checkpoint.hash == self.checkpoint.hash


def cached_engine(checkpoint: Checkpoint, engine: str = "auto", precision: str = "auto") -> Engine:
    """An open engine for `checkpoint`, kept for the next call. Raises CheckpointError, InferenceError."""
    with _opening:  # two visitors at once must not load one network twice
        return _engine(_Key(checkpoint), engine, precision)


def predict_one(
    checkpoint: Checkpoint, image: bytes, *, engine: str = "auto", precision: str = "auto"
) -> tuple[dict[str, npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """Probabilities {task: (L,) float32} and embedding (D,) float32 of one image file's bytes.

    Probabilities are softmax(logits / temperature) with the card's temperature. Raises ImageError,
    CheckpointError, InferenceError.
    """
    inputs = preprocess(image, checkpoint.card.preprocessing)
    outputs = cached_engine(checkpoint, engine, precision).run(inputs[None])
    temperature = checkpoint.card.temperature
    found = {task: softmax(row[0] / temperature.get(task, 1.0)) for task, row in outputs.logits.items()}
    return found, outputs.embeddings[0]


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Softmax over the last axis."""
    from scipy.special import softmax as scipy_softmax

    return np.asarray(scipy_softmax(logits, axis=-1), dtype=np.float32)
