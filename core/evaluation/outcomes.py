"""What became of one head on every row of a data set: truth, prediction, and how sure the head was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import entr

from core.data.dataset import Dataset
from core.data.taxonomy import MISSING, Taxonomy
from core.errors import SelectionError, StoreError

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

BLOCK = 4096
SMALLEST = np.float32(np.finfo(np.float32).eps)
"""Probabilities are clipped here before the logarithm, as `sklearn.metrics.log_loss` does for float32."""


class HasProbabilities(Protocol):
    """What evaluation needs of stored predictions, rows in the order of the data set's table."""

    @property
    def taxonomy(self) -> Taxonomy: ...

    @property
    def present(self) -> Mask:
        """Which rows (N,) bool have a prediction."""
        ...

    def probabilities(self, task: str) -> Floats:
        """Probabilities (N, L) float32 over the taxonomy's labels, NaN rows where absent."""
        ...


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One head on the N rows of a data set. Arrays are read-only.

    `labels`: the data set's labels first, then those that only the checkpoint knows. `truth` and `prediction`
    (N,) int32 are positions in it, -1 where missing. `confidence` (largest probability), `margin` (largest
    minus second) and `entropy` (nats) are (N,) float32, NaN without a prediction; `loss` (negative
    log-likelihood, nats) also without a truth. `probabilities` (N, L) float32 over `labels`: 0 for labels
    that the checkpoint does not know, NaN rows without a prediction. `instances` (N,) int64 number the
    objects, None where they are not known.
    """

    task: str
    labels: tuple[str, ...]
    truth: Codes
    prediction: Codes
    confidence: Floats
    margin: Floats
    entropy: Floats
    loss: Floats
    probabilities: Floats
    instances: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def correct(self) -> Mask:
        """Rows (N,) whose truth is known and predicted."""
        return np.asarray((self.truth == self.prediction) & self.scored)

    @cached_property
    def scored(self) -> Mask:
        """Rows (N,) whose truth is known: a missing prediction there counts as wrong."""
        return np.asarray(self.truth != MISSING)

    @cached_property
    def answered(self) -> Mask:
        """Rows (N,) with a prediction, whether or not the truth is known."""
        return np.asarray(self.prediction != MISSING)

    def objects(self, rows: Mask) -> int | None:
        """How many objects the rows show; None where objects are not known."""
        return None if self.instances is None else len(np.unique(self.instances[rows]))

    def code(self, label: str) -> int:
        """Position of `label`. Raises SelectionError."""
        if label not in self.labels:
            raise SelectionError(
                f"Head '{self.task}' has no label '{label}'",
                cause=f"It has {len(self.labels)} labels.",
                fix="Choose one of its labels.",
            )
        return self.labels.index(label)


def outcomes(dataset: Dataset, predictions: HasProbabilities, task: str) -> Outcomes:
    """The outcomes of head `task`. Raises SelectionError where the checkpoint has no such head, DataError
    where the data set has no such task, StoreError where stored predictions do not fit or are not numbers."""
    truth = dataset.codes(task)
    if task not in predictions.taxonomy:
        raise SelectionError(
            f"The checkpoint has no head '{task}'",
            cause=f"Its heads are: {', '.join(predictions.taxonomy.names)}.",
            fix="Choose another head or another checkpoint.",
        )
    wanted, known = dataset.taxonomy[task].labels, predictions.taxonomy[task].labels
    labels = wanted + tuple(label for label in known if label not in wanted)
    given = predictions.probabilities(task)
    present = np.asarray(predictions.present, dtype=bool)
    _check(given, present, len(dataset), len(known))
    position = [labels.index(label) for label in known]
    spread = given if position == list(range(len(labels))) else _spread(given, present, position, len(labels))
    instances = dataset.instances if dataset.has_instances else None
    return from_probabilities(task, labels, truth, spread, present, instances)


def from_probabilities(
    task: str,
    labels: tuple[str, ...],
    truth: Codes,
    probabilities: Floats,
    present: Mask | None = None,
    instances: npt.NDArray[np.int64] | None = None,
) -> Outcomes:
    """Outcomes from arrays: `truth` (N,) codes, `probabilities` (N, L) over `labels`, `present` (N,) (default
    all)."""
    table = np.asarray(probabilities, dtype=np.float32)
    here = np.ones(len(table), dtype=bool) if present is None else np.asarray(present, dtype=bool)
    _check(table, here, len(truth), len(labels))
    best, confidence, margin, entropy = _summaries(table, here)
    scored = here & (truth != MISSING)
    known = np.where(scored, truth, 0).astype(np.int64)
    at_truth = np.take_along_axis(table, known[:, None], axis=1)[:, 0]
    loss = -np.log(np.clip(at_truth, SMALLEST, 1 - SMALLEST))
    found = Outcomes(
        task=task,
        labels=labels,
        truth=np.array(truth, dtype=np.int32),
        prediction=best,
        confidence=_where(here, confidence),
        margin=_where(here, margin),
        entropy=_where(here, entropy),
        loss=_where(scored, loss),
        probabilities=table,
        instances=None if instances is None else np.asarray(instances, dtype=np.int64),
    )
    for name in ("truth", "prediction", "confidence", "margin", "entropy", "loss"):
        getattr(found, name).flags.writeable = False
    return found


def _summaries(table: Floats, here: Mask) -> tuple[Codes, Floats, Floats, Floats]:
    """Prediction, confidence, margin and entropy (N,) each, block by block so that memory stays small."""
    best = np.full(len(table), MISSING, dtype=np.int32)
    confidence, margin, entropy = (np.zeros(len(table), dtype=np.float32) for _ in range(3))
    rows = np.flatnonzero(here)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        block = table[some]
        first = block.argmax(axis=1)
        entropy[some] = entr(block).sum(axis=1)
        top = np.take_along_axis(block, first[:, None], axis=1)[:, 0]
        np.put_along_axis(block, first[:, None], 0, axis=1)
        best[some], confidence[some], margin[some] = first, top, top - block.max(axis=1)
    return best, confidence, margin, entropy


def _where(here: Mask, values: npt.NDArray[np.floating]) -> Floats:
    return np.where(here, values, np.float32(np.nan)).astype(np.float32)


def _spread(given: Floats, present: Mask, position: list[int], size: int) -> Floats:
    table = np.zeros((len(given), size), dtype=np.float32)
    table[:, position] = given
    table[~present] = np.nan
    return table


def _check(probabilities: npt.NDArray[np.floating], present: Mask, rows: int, labels: int) -> None:
    if probabilities.shape != (rows, labels) or present.shape != (rows,):
        raise StoreError(
            "Stored predictions do not fit the data set",
            cause=f"Probabilities have shape {probabilities.shape}; {(rows, labels)} was expected.",
            fix="Index the data set again.",
        )
    sums = probabilities.sum(axis=1)[present]
    if not np.isfinite(sums).all() or (np.abs(sums - 1) > 1e-2).any():
        raise StoreError(
            "Stored predictions are not probabilities",
            cause=f"{int((~(np.abs(sums - 1) <= 1e-2)).sum())} rows hold NaN or do not add up to 1.",
            fix="Index the data set again; if it stays, the checkpoint's weights are damaged.",
        )
