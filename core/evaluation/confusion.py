"""The confusion matrix of one head: truth by prediction, with a column for images that have no prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array

from core.errors import SelectionError
from core.evaluation.outcomes import Mask, Outcomes

Normalisation = Literal["count", "row", "column", "all"]
Order = Literal["label", "error", "similarity"]
NO_PREDICTION = "no prediction"


@dataclass(frozen=True)
class Cell:
    """One non-empty cell: positions and names of truth and prediction (`NO_PREDICTION` at position L), images
    in it."""

    row: int
    column: int
    truth: str
    prediction: str
    count: int

    @property
    def right(self) -> bool:
        """Whether the cell lies on the diagonal."""
        return self.row == self.column


@dataclass(frozen=True, eq=False)
class Confusion:
    """`counts` (L, L+1) int64: truth by prediction, last column = no prediction; `n` images of `instances`
    objects.

    Rows whose truth is not known are in no cell.
    """

    labels: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    n: int
    instances: int | None

    def normalised(self, by: Normalisation = "row") -> npt.NDArray[np.float64]:
        """Cells (L, L+1) float64: counts, or shares of the truth (row), the prediction (column) or all
        images.

        NaN where the denominator is 0. Raises SelectionError for any other `by`.
        """
        counts = self.counts.astype(np.float64)
        totals = {
            "count": np.ones((1, 1)),
            "row": counts.sum(axis=1, keepdims=True),
            "column": counts.sum(axis=0, keepdims=True),
            "all": counts.sum(keepdims=True),
        }
        if by not in totals:
            raise _unknown("normalisation", by, get_args(Normalisation))
        total = np.broadcast_to(totals[by], counts.shape)
        return np.asarray(np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0))

    def order(self, by: Order = "label") -> npt.NDArray[np.int64]:
        """Permutation (L,) of the labels: as given; most errors (missed + false alarms) first; or confused
        ones together (average linkage on shared confusion, optimal leaf order). Raises SelectionError for any
        other `by`."""
        if by not in get_args(Order):
            raise _unknown("order", by, get_args(Order))
        if by == "label" or len(self.labels) < 3:
            return np.arange(len(self.labels), dtype=np.int64)
        if by == "error":
            square = self.counts[:, :-1]
            wrong = self.counts.sum(axis=1) + square.sum(axis=0) - 2 * np.diag(square)
            return np.argsort(-wrong, kind="stable").astype(np.int64)
        return self._by_similarity()

    def _by_similarity(self) -> npt.NDArray[np.int64]:
        share = np.nan_to_num(self.normalised("row")[:, :-1])
        distance = 1.0 - np.clip((share + share.T) / 2, 0, 1)
        np.fill_diagonal(distance, 0.0)
        # Imported here: a third of a second that the first page would wait for, and it sorts by label.
        from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
        from scipy.spatial.distance import squareform

        condensed = squareform(distance, checks=False)
        tree = linkage(condensed, method="average")
        return np.asarray(leaves_list(optimal_leaf_ordering(tree, condensed)), dtype=np.int64)

    def cells(self) -> tuple[Cell, ...]:
        """The non-empty cells, most images first."""
        names = (*self.labels, NO_PREDICTION)
        rows, columns = np.nonzero(self.counts)
        found = self.counts[rows, columns]
        return tuple(
            Cell(int(rows[k]), int(columns[k]), names[rows[k]], names[columns[k]], int(found[k]))
            for k in np.argsort(-found, kind="stable")
        )


def confusion(outcomes: Outcomes, rows: Mask) -> Confusion:
    """The confusion matrix over the rows (N,) bool whose truth is known.

    Equal to scikit-learn's `confusion_matrix`, which adds up the same sparse array but takes long to import.
    """
    chosen = rows & outcomes.scored
    size = len(outcomes.labels)
    truth = outcomes.truth[chosen].astype(np.int64)
    prediction = np.where(outcomes.answered, outcomes.prediction, size)[chosen]
    ones = np.ones(len(truth), dtype=np.int64)
    counts = coo_array((ones, (truth, prediction)), shape=(size, size + 1)).toarray()
    counts.flags.writeable = False
    return Confusion(outcomes.labels, counts, int(chosen.sum()), outcomes.objects(chosen))


def _unknown(what: str, given: object, known: tuple[str, ...]) -> SelectionError:
    return SelectionError(
        f"There is no {what} '{given}'", cause=f"There are: {', '.join(known)}.", fix="Choose one of them."
    )
