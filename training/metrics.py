"""Figures of one epoch: what the curves, TensorBoard and the choice of the best epoch are made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, f1_score, log_loss

from core.data.taxonomy import MISSING, Taxonomy

Logits = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeadScores:
    """One head on validation: `n` labelled images; NaN-free, None where nothing is labelled.

    `confusion` are the non-zero cells (truth, prediction, images) of the matrix.
    """

    n: int
    loss: float | None
    accuracy: float | None
    macro_f1: float | None
    weighted_f1: float | None
    confusion: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class EpochRecord:
    """One line of metrics.jsonl. Times in seconds, memory in MiB, `epoch` from 1."""

    epoch: int
    phase: str
    steps: int
    """Optimizer steps since the run began."""
    train: dict[str, float]
    """Mean loss per task (weighted as in the sum), the teacher's parts, and `total`."""
    val: dict[str, HeadScores]
    score: float
    """What picks the best epoch; higher is better."""
    best: bool
    backbone_lr: float
    head_lr: float
    seconds: float
    images_per_second: float
    memory_mb: float

    def to_json(self) -> dict[str, Any]:
        """JSON values, as in metrics.jsonl and the card's history."""
        return asdict(self)


def head_scores(logits: Logits, codes: Codes, labels: int) -> HeadScores:
    """Scores of one head from its logits (N, L) and label codes (N,), -1 missing."""
    known = codes != MISSING
    if not known.any():
        return HeadScores(0, None, None, None, None)
    truth, found = codes[known], logits[known].argmax(axis=1)
    loss = float(log_loss(truth, softmax(logits[known]), labels=np.arange(labels))) if labels > 1 else 0.0
    cells, counts = np.unique(np.stack([truth, found], axis=1), axis=0, return_counts=True)
    return HeadScores(
        n=int(known.sum()),
        loss=loss,
        accuracy=float(accuracy_score(truth, found)),
        macro_f1=float(f1_score(truth, found, average="macro", zero_division=0.0)),
        weighted_f1=float(f1_score(truth, found, average="weighted", zero_division=0.0)),
        confusion=[[int(i), int(j), int(n)] for (i, j), n in zip(cells, counts, strict=True)],
    )


def validation_scores(
    logits: Mapping[str, Logits], codes: Mapping[str, Codes], taxonomy: Taxonomy
) -> dict[str, HeadScores]:
    """Scores of every head."""
    return {
        task.name: head_scores(logits[task.name], codes[task.name], len(task.labels))
        for task in taxonomy.tasks
    }


def selection_score(scores: HeadScores, select_by: str) -> float:
    """The figure that picks the best epoch, higher is better; -inf never happens: no label gives 0."""
    value = scores.loss if select_by == "loss" else getattr(scores, select_by)
    if value is None or not math.isfinite(value):
        return 0.0
    return -float(value) if select_by == "loss" else float(value)


def softmax(logits: Logits) -> npt.NDArray[np.float64]:
    """Probabilities (N, L) float64 of logits (N, L)."""
    from scipy.special import softmax as scipy_softmax

    result: npt.NDArray[np.float64] = scipy_softmax(logits.astype(np.float64), axis=1)
    return result
