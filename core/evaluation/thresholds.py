"""What happens to one label's precision and recall when it is only answered from a given probability on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import SelectionError
from core.evaluation.intervals import Floats
from core.evaluation.outcomes import Mask, Outcomes

POINTS = 500
"""Longest curve returned: more points cannot be told apart on a screen."""


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Over rising `thresholds` (T,) in [0, 1], for "the label is there from this probability on":
    `precision`, `recall` and `f1` (T,) in [0, 1]. `n` images, `positives` of them of the label; `best` is the
    position of the highest F1."""

    label: str
    thresholds: Floats
    precision: Floats
    recall: Floats
    f1: Floats
    n: int
    positives: int
    best: int


def threshold_curve(outcomes: Outcomes, rows: Mask, label: str) -> ThresholdCurve:
    """One label against the rest, over the rows with a truth and a prediction. Raises SelectionError where
    the label is unknown or has no such image."""
    code = outcomes.code(label)
    used = rows & outcomes.scored & outcomes.answered
    truth = outcomes.truth[used] == code
    if not truth.any():
        raise SelectionError(
            f"There is no threshold curve for '{label}'",
            cause="None of the chosen images with a prediction is of this label.",
            fix="Choose another split or label.",
        )
    from sklearn.metrics import precision_recall_curve  # here: the first page does without it

    precision, recall, thresholds = precision_recall_curve(truth, outcomes.probabilities[used, code])
    precision, recall = precision[:-1], recall[:-1]
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    kept = _thin(len(thresholds), int(f1.argmax()))
    return ThresholdCurve(
        label=label,
        thresholds=thresholds[kept].astype(float),
        precision=precision[kept],
        recall=recall[kept],
        f1=f1[kept],
        n=int(used.sum()),
        positives=int(truth.sum()),
        best=int(f1[kept].argmax()),
    )


def _thin(size: int, keep: int) -> np.typing.NDArray[np.int64]:
    spread = np.linspace(0, size - 1, min(size, POINTS)).astype(np.int64)
    return np.unique(np.append(spread, keep))
