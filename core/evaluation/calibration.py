"""Are the probabilities true? Reliability bins, calibration errors, and the Brier score."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.evaluation.bootstrap import Floats, mean, method, percentile, replicates, resampling
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion, proportions_by
from core.evaluation.outcomes import Mask, Outcomes

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Images whose confidence lies in (low, high]: their mean confidence and their accuracy."""

    low: float
    high: float
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True)
class Calibration:
    """The non-empty bins, and over all n images: `ece` (equal-width bins) and `adaptive_ece` (equally filled
    bins), the mean gap between confidence and accuracy in [0, 1]; `brier` in [0, 2]; `confidence` and
    `accuracy` overall.

    The calibration error of a well calibrated head is above 0 on few images: `chance_ece` is what it would be
    on average were the head perfectly calibrated.
    """

    bins: tuple[Bin, ...]
    ece: Estimate
    adaptive_ece: Estimate
    chance_ece: float
    brier: Estimate
    confidence: float
    accuracy: Estimate


def calibration(outcomes: Outcomes, rows: Mask, bins: int = BINS) -> Calibration:
    """Over the rows (N,) with a truth and a prediction; `bins` in 2 .. 50. Raises SelectionError where there
    is none."""
    used = rows & outcomes.scored & outcomes.answered
    if not used.any():
        raise SelectionError(
            "There is nothing to calibrate on",
            cause="No chosen image has both a label and a prediction.",
            fix="Choose another split.",
        )
    confidence = outcomes.confidence[used].astype(float)
    right = outcomes.correct[used]
    objects = None if outcomes.instances is None else outcomes.instances[used]
    count = int(np.clip(bins, 2, 50))
    edges = np.linspace(0, 1, count + 1)
    filled = np.unique(np.quantile(confidence, np.linspace(0, 1, count + 1)))
    place = _place(confidence, edges)
    return Calibration(
        bins=_bins(confidence, right, place, edges, objects),
        ece=_error(confidence, right, place, objects),
        adaptive_ece=_error(confidence, right, _place(confidence, filled), objects),
        chance_ece=_chance(confidence, place),
        brier=mean(_brier(outcomes, used), objects),
        confidence=float(confidence.mean()),
        accuracy=proportion(right, objects),
    )


def _place(confidence: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    """Bin (n,) of each confidence: (low, high], the first bin also holds its lower edge."""
    inner = edges[1:-1]
    return np.asarray(np.searchsorted(inner, confidence, side="left"), dtype=np.int64)


def _bins(
    confidence: Floats,
    right: Mask,
    place: npt.NDArray[np.int64],
    edges: Floats,
    objects: npt.NDArray[np.int64] | None,
) -> tuple[Bin, ...]:
    size = len(edges) - 1
    counts, sums = np.bincount(place, minlength=size), np.bincount(place, confidence, size)
    found = proportions_by(right, place, size, objects)
    return tuple(
        Bin(float(edges[k]), float(edges[k + 1]), float(sums[k] / counts[k]), found[k])
        for k in np.flatnonzero(counts)
    )


def _error(
    confidence: Floats, right: Mask, place: npt.NDArray[np.int64], objects: npt.NDArray[np.int64] | None
) -> Estimate:
    """Sum over bins of |sum of (right - confidence)| / n, with its bootstrap interval."""
    size, n = int(place.max()) + 1, len(place)
    units = resampling(objects, n)
    gaps = np.bincount(units.unit * size + place, right - confidence, units.units * size)
    sums = np.hstack([gaps.reshape(units.units, size), units.sums(np.ones(n))])

    def statistic(table: Floats) -> Floats:
        return np.asarray(np.abs(table[:, :-1]).sum(axis=1) / table[:, -1])

    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    count = None if objects is None else units.objects
    if units.units < 2:
        return Estimate(value, math.nan, math.nan, n, count, "none: one object")
    low, high = percentile(replicates(sums, statistic), units.units)
    return Estimate(value, min(low, value), max(high, value), n, count, method(objects))


def _chance(confidence: Floats, place: npt.NDArray[np.int64], draws: int = 200) -> float:
    """Mean calibration error of a head that is right exactly as often as it is confident, on these images."""
    size = int(place.max()) + 1
    random = np.random.default_rng(0)
    found = np.zeros(draws)
    for k in range(size):
        mine = confidence[place == k]
        if len(mine):
            rate = float(mine.mean())
            found += np.abs(random.binomial(len(mine), rate, draws) - len(mine) * rate)
    return float(found.mean() / len(confidence))


def _brier(outcomes: Outcomes, used: Mask) -> Floats:
    """Brier score (n,) of each image: squared distance of the probabilities from the truth, in [0, 2]."""
    table = outcomes.probabilities[used].astype(np.float64)
    own = np.take_along_axis(table, outcomes.truth[used].astype(np.int64)[:, None], axis=1)[:, 0]
    return np.asarray((table**2).sum(axis=1) - 2 * own + 1)
