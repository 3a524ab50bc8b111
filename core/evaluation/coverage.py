"""Answer only when sure: how many images are still answered from a threshold on, and how often rightly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import Floats, proportion, wilson
from core.evaluation.outcomes import Mask, Outcomes

POINTS = 500


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """Over rising confidence `thresholds` (T,): the share of images answered (`coverage`, (T,)), and the
    accuracy among them with its plain Wilson interval (`accuracy`, `low`, `high`, (T,)); `answered` (T,)
    int64 counts them."""

    thresholds: Floats
    coverage: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    answered: npt.NDArray[np.int64]


@dataclass(frozen=True)
class ThresholdAnswer:
    """What "answer only from this confidence on" gives: the share of images answered and the accuracy among
    them."""

    threshold: float
    coverage: Estimate
    accuracy: Estimate
    answered: int
    errors: int
    errors_avoided: int
    """Wrong predictions that fall below the threshold."""


def coverage_curve(outcomes: Outcomes, rows: Mask) -> CoverageCurve:
    """The accuracy-coverage curve over the rows (N,) whose truth is known; rows without a prediction are
    never answered. At most `POINTS` points. Raises SelectionError where nothing is predicted."""
    used = rows & outcomes.scored
    answered = used & outcomes.answered
    if not answered.any():
        raise SelectionError(
            "There is no coverage curve",
            cause="No chosen image has both a label and a prediction.",
            fix="Choose another split.",
        )
    order = np.argsort(-outcomes.confidence[answered], kind="stable")
    confidence = outcomes.confidence[answered][order].astype(float)
    hits = np.cumsum(outcomes.correct[answered][order]).astype(float)
    last = np.flatnonzero(np.r_[np.diff(confidence) != 0, True])  # the last of equal confidences
    last = last[np.unique(np.linspace(0, len(last) - 1, min(len(last), POINTS)).astype(np.int64))][::-1]
    count = last + 1
    low, high = wilson(hits[last], count)
    return CoverageCurve(
        thresholds=confidence[last],
        coverage=count / int(used.sum()),
        accuracy=hits[last] / count,
        low=low,
        high=high,
        answered=count.astype(np.int64),
    )


def answer_from(outcomes: Outcomes, rows: Mask, threshold: float) -> ThresholdAnswer:
    """What answering only at confidence >= `threshold` in [0, 1] gives over the rows whose truth is known."""
    if not 0 <= threshold <= 1:
        raise SelectionError(
            f"{threshold} is no confidence", cause="A confidence lies between 0 and 1.", fix="Choose one."
        )
    used = rows & outcomes.scored
    answered = (
        used & outcomes.answered & (np.nan_to_num(outcomes.confidence, nan=-1.0) >= np.float32(threshold))
    )
    wrong = outcomes.answered & ~outcomes.correct
    return ThresholdAnswer(
        threshold=threshold,
        coverage=_share(outcomes, used, answered),
        accuracy=_share(outcomes, answered, outcomes.correct),
        answered=int(answered.sum()),
        errors=int((answered & wrong).sum()),
        errors_avoided=int((used & wrong & ~answered).sum()),
    )


def threshold_for(outcomes: Outcomes, rows: Mask, accuracy: float) -> ThresholdAnswer | None:
    """The threshold of widest coverage at which the accuracy seen is at least `accuracy`; None where there is
    none.

    Choose it on validation images and check it on test images: chosen and checked on the same ones it
    flatters.
    """
    curve = coverage_curve(outcomes, rows)
    enough = np.flatnonzero(curve.accuracy >= accuracy)
    return answer_from(outcomes, rows, float(curve.thresholds[enough[0]])) if len(enough) else None


def _share(outcomes: Outcomes, used: Mask, hit: Mask) -> Estimate:
    return proportion(hit[used], None if outcomes.instances is None else outcomes.instances[used])
