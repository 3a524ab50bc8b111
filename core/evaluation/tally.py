"""The rows that a report is about, reduced to arrays that every score is computed from, once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.evaluation.bootstrap import Resampling, resampling, weights
from core.evaluation.outcomes import Mask, Outcomes

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """The n rows whose truth is known: `truth` and `prediction` (n,) int64 (prediction `size` where missing),
    `rank` (n,) of the true label among the probabilities (0 = first; `size` where missing), `loss` (n,) NaN
    where missing, `instances` (n,) or None."""

    size: int
    truth: Ints
    prediction: Ints
    rank: Ints
    loss: Floats
    instances: Ints | None

    @property
    def n(self) -> int:
        """Images whose truth is known."""
        return len(self.truth)

    @cached_property
    def right(self) -> Mask:
        """Which rows (n,) are predicted rightly."""
        return np.asarray(self.truth == self.prediction)

    @cached_property
    def objects(self) -> int | None:
        """How many objects the rows show; None where objects are not known."""
        return None if self.instances is None else self.resampling.objects

    @cached_property
    def hits(self) -> Floats:
        """Rightly predicted images of each label (L,)."""
        return np.bincount(self.truth[self.right], minlength=self.size).astype(float)

    @cached_property
    def support(self) -> Floats:
        """Images of each label (L,)."""
        return np.bincount(self.truth, minlength=self.size).astype(float)

    @cached_property
    def predicted(self) -> Floats:
        """How often each label (L,) is predicted."""
        return np.bincount(self.prediction, minlength=self.size + 1)[: self.size].astype(float)

    @cached_property
    def f1(self) -> Floats:
        """F1 of each label (L,), by scikit-learn; NaN for a label that occurs neither as truth nor as
        prediction."""
        from sklearn.metrics import precision_recall_fscore_support  # here: the matrix does without it

        found = precision_recall_fscore_support(
            self.truth, self.prediction, labels=np.arange(self.size), zero_division=np.nan
        )
        return np.asarray(found[2], dtype=float)

    @cached_property
    def resampling(self) -> Resampling:
        """The units of the bootstrap."""
        return resampling(self.instances, self.n)

    @cached_property
    def sums(self) -> Floats:
        """Per unit of the bootstrap: hits, support and predictions of each label side by side, (units, 3
        L)."""
        units = self.resampling
        hit = np.where(self.right, self.truth, -1)
        return np.hstack([units.counts(codes, self.size) for codes in (hit, self.truth, self.prediction)])

    @cached_property
    def resampled(self) -> Floats:
        """`sums` added up over each resample of the units: (resamples, 3 L)."""
        return np.asarray(weights(self.resampling.units) @ self.sums)


def tally(outcomes: Outcomes, rows: Mask) -> Tally:
    """The rows (N,) bool of `outcomes` whose truth is known."""
    chosen = np.flatnonzero(rows & outcomes.scored)
    size = len(outcomes.labels)
    prediction = outcomes.prediction[chosen].astype(np.int64)
    truth = outcomes.truth[chosen].astype(np.int64)
    answered = prediction >= 0
    return Tally(
        size=size,
        truth=truth,
        prediction=np.where(answered, prediction, size),
        rank=_rank(outcomes, chosen, truth, answered),
        loss=outcomes.loss[chosen].astype(float),
        instances=None if outcomes.instances is None else outcomes.instances[chosen],
    )


def _rank(outcomes: Outcomes, chosen: Ints, truth: Ints, answered: Mask) -> Ints:
    """How many labels are more probable than the true one; of equal ones the first counts, as in
    `prediction`."""
    table = outcomes.probabilities[chosen]
    own = np.take_along_axis(table, truth[:, None], axis=1)
    above = np.count_nonzero(table > own, axis=1)
    tied = np.count_nonzero((table == own) & (np.arange(table.shape[1]) < truth[:, None]), axis=1)
    return np.asarray(np.where(answered, above + tied, table.shape[1]), dtype=np.int64)
