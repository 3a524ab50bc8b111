"""The per-class report and the headline scores of one head, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.evaluation.composite import (
    accuracy_of,
    balanced_accuracy,
    bootstrapped,
    log_loss,
    macro_f1,
    weighted_f1,
)
from core.evaluation.confusion import NO_PREDICTION, Confusion, confusion
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import Clusters, Floats, clusters, proportion, proportions
from core.evaluation.outcomes import Mask, Outcomes
from core.evaluation.tally import Tally, tally

CONFUSED_WITH = 3
"""How many labels a class's row names as what it was mistaken for."""


@dataclass(frozen=True)
class ClassRow:
    """One label: its scores, `support` images of `instances` objects, how often it was predicted, and what
    its images were mistaken for, most often first."""

    label: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int
    instances: int | None
    predicted: int
    confused_with: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Scores:
    """The headline of one head: enough for a scoreboard, and cheap."""

    n: int
    instances: int | None
    accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate


@dataclass(frozen=True)
class ClassReport:
    """One row per label that occurs as truth or prediction (labels in their own order), and the headline
    scores.

    `log_loss` in nats; `top_k` maps k to accuracy among the k most probable labels.
    """

    rows: tuple[ClassRow, ...]
    n: int
    instances: int | None
    unanswered: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    log_loss: Estimate
    top_k: Estimate
    k: int

    def frame(self) -> pd.DataFrame:
        """One row per label: figures, their bounds, counts, and what it was mistaken for."""
        return pd.DataFrame([_flat(row) for row in self.rows])


def scores(outcomes: Outcomes, rows: Mask) -> Scores:
    """Accuracy, macro F1 and weighted F1 over the rows (N,) bool whose truth is known."""
    counted = tally(outcomes, rows)
    return Scores(counted.n, counted.objects, accuracy(counted), macro_f1(counted), weighted_f1(counted))


def accuracy(counted: Tally) -> Estimate:
    """Right / all images whose truth is known; an image without a prediction is wrong."""
    found = share(counted, counted.right)
    if counted.n == 0:
        return found
    return replace(found, alternatives=found.alternatives + bootstrapped(counted, accuracy_of))


def share(counted: Tally, hit: npt.NDArray[np.bool_]) -> Estimate:
    """The share of the tallied rows where `hit` (n,) is true."""
    return proportion(hit, counted.instances)


def class_report(outcomes: Outcomes, rows: Mask, k: int = 5) -> ClassReport:
    """The report over the rows (N,) bool whose truth is known; `k` is lowered for heads with few labels.

    Values are scikit-learn's (`zero_division=nan`: a precision without predictions is undefined, not 0).
    """
    counted = tally(outcomes, rows)
    k = max(1, min(k, len(outcomes.labels) - 1))
    return ClassReport(
        rows=_class_rows(counted, confusion(outcomes, rows)),
        n=counted.n,
        instances=counted.objects,
        unanswered=int((counted.prediction == counted.size).sum()),
        accuracy=accuracy(counted),
        balanced_accuracy=balanced_accuracy(counted),
        macro_f1=macro_f1(counted),
        weighted_f1=weighted_f1(counted),
        log_loss=log_loss(counted),
        top_k=share(counted, counted.rank < k),
        k=k,
    )


def _class_rows(counted: Tally, matrix: Confusion) -> tuple[ClassRow, ...]:
    truth, prediction, size = counted.truth, counted.prediction, counted.size
    hits, support, predicted = counted.hits, counted.support, counted.predicted
    right = counted.right
    answered = prediction < size
    everywhere = np.ones(counted.n, dtype=bool)
    by_truth = _between(counted, truth, right, everywhere, size)
    by_prediction = _between(counted, prediction[answered], right[answered], answered, size)
    recall = proportions(hits, support, by_truth)
    precision = proportions(hits, predicted, by_prediction)
    f1 = proportions(hits, support + predicted - hits, _between_either(counted), transform=_f1_of_jaccard)
    seen = np.flatnonzero(support + predicted)
    return tuple(
        ClassRow(
            label=matrix.labels[c],
            precision=precision[c],
            recall=recall[c],
            f1=f1[c],
            support=int(support[c]),
            instances=None if by_truth is None else int(by_truth.objects[c]),
            predicted=int(predicted[c]),
            confused_with=_confused_with(matrix, int(c)),
        )
        for c in seen
    )


def _f1_of_jaccard(value: Floats) -> Floats:
    """F1 from F* = right / (right + wrong + missed), which is a proportion (Hand, Christen & Kirielle
    2021)."""
    return 2 * value / (1 + value)


def _between(
    counted: Tally, column: npt.NDArray[np.int64], hit: Mask, used: Mask, columns: int
) -> Clusters | None:
    if counted.instances is None:
        return None
    group = counted.instances[used]
    return clusters(group, column.astype(np.int64), hit.astype(float), np.ones(len(group)), columns)


def _between_either(counted: Tally) -> Clusters | None:
    """Objects with a share in F* of a label: those that show it, and those mistaken for it."""
    if counted.instances is None:
        return None
    false_alarm = ~counted.right & (counted.prediction < counted.size)
    group = np.r_[counted.instances, counted.instances[false_alarm]]
    column = np.r_[counted.truth, counted.prediction[false_alarm]]
    hit = np.r_[counted.right, np.zeros(int(false_alarm.sum()), dtype=bool)].astype(float)
    return clusters(group, column, hit, np.ones(len(group)), counted.size)


def _confused_with(matrix: Confusion, c: int) -> tuple[tuple[str, int], ...]:
    names = (*matrix.labels, NO_PREDICTION)
    row = matrix.counts[c].copy()
    row[c] = 0
    worst = np.argsort(-row, kind="stable")[:CONFUSED_WITH]
    return tuple((names[j], int(row[j])) for j in worst if row[j])


def _flat(row: ClassRow) -> dict[str, Any]:
    found: dict[str, Any] = {"label": row.label}
    for name in ("precision", "recall", "f1"):
        estimate: Estimate = getattr(row, name)
        found |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    found |= {"support": row.support, "instances": row.instances, "predicted": row.predicted}
    return found | {"confused_with": ", ".join(f"{label} ({n})" for label, n in row.confused_with)}
