"""Which mistakes to look at first, and which pairs of labels they fall into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.evaluation.outcomes import Mask, Outcomes

Ranking = Literal["confidence", "loss", "margin", "entropy"]


@dataclass(frozen=True, eq=False)
class Pair:
    """Images of `truth` that were taken for `prediction`: row numbers (n,) int64, the most confident
    first."""

    truth: str
    prediction: str
    rows: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.rows)


def mistakes(outcomes: Outcomes, rows: Mask) -> Mask:
    """Which rows (N,) have a known truth and a prediction that differs from it."""
    return rows & outcomes.scored & outcomes.answered & ~outcomes.correct


def rank_mistakes(outcomes: Outcomes, rows: Mask, by: Ranking = "confidence") -> npt.NDArray[np.int64]:
    """Row numbers of the mistakes among `rows`, worst first.

    confidence, loss and margin: the surest error first; entropy: the least sure first, as it asks where the
    head hesitates. Ties keep the order of the table. Raises SelectionError for any other `by`.
    """
    if by not in get_args(Ranking):
        raise SelectionError(
            f"Mistakes cannot be ranked by '{by}'",
            cause=f"They can be ranked by: {', '.join(get_args(Ranking))}.",
            fix="Choose one of them.",
        )
    chosen = np.flatnonzero(mistakes(outcomes, rows))
    score: npt.NDArray[np.float32] = getattr(outcomes, by)
    return chosen[np.argsort(-score[chosen], kind="stable")]


def pairs(outcomes: Outcomes, rows: Mask) -> tuple[Pair, ...]:
    """The mistakes among `rows` grouped by true and predicted label, the largest group first."""
    ranked = rank_mistakes(outcomes, rows)
    size = len(outcomes.labels)
    keys = outcomes.truth[ranked].astype(np.int64) * size + outcomes.prediction[ranked]
    found, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    groups = np.split(ranked[np.argsort(index, kind="stable")], np.cumsum(counts)[:-1])
    order = np.argsort(-counts, kind="stable")
    return tuple(
        Pair(outcomes.labels[int(found[k]) // size], outcomes.labels[int(found[k]) % size], groups[k])
        for k in order
    )
