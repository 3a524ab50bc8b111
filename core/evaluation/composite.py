"""Scores that are no single proportion: macro and weighted F1, balanced accuracy, log-loss; by resampling
objects."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from core.evaluation.bootstrap import Floats, Statistic, jackknife, percentile, replicates
from core.evaluation.estimate import LEVEL, Estimate, Interval, undefined
from core.evaluation.intervals import wilson
from core.evaluation.tally import Tally

BY_IMAGE = "by image"
BY_OBJECT = "by object"


def macro_f1(counted: Tally) -> Estimate:
    """Mean F1 over the labels that occur as truth or prediction (scikit-learn's default), in [0, 1]."""
    if counted.n == 0:
        return undefined(0, counted.objects)
    absent = counted.support == 0

    def statistic(sums: Floats) -> Floats:
        _, support, predicted = _split(sums)
        used = (support > 0) | (absent & (predicted > 0))
        return _mean(_f1(sums), used)

    return _bounded(counted, float(np.nanmean(counted.f1)), statistic)


def weighted_f1(counted: Tally) -> Estimate:
    """Mean F1 over labels, weighted by support, in [0, 1]."""
    if counted.n == 0:
        return undefined(0, counted.objects)
    value = float(np.average(np.nan_to_num(counted.f1), weights=counted.support))

    def statistic(sums: Floats) -> Floats:
        support = _split(sums)[1]
        return np.asarray((_f1(sums) * support).sum(axis=1) / support.sum(axis=1))

    return _bounded(counted, value, statistic)


def balanced_accuracy(counted: Tally) -> Estimate:
    """Mean recall over the labels that have support, in [0, 1]."""
    if counted.n == 0:
        return undefined(0, counted.objects)
    present = counted.support > 0
    value = float((counted.hits[present] / counted.support[present]).mean())

    def statistic(sums: Floats) -> Floats:
        hits, support, _ = _split(sums)
        return _mean(hits / np.maximum(support, 1), support > 0)

    return _bounded(counted, value, statistic)


def log_loss(counted: Tally) -> Estimate:
    """Mean negative log-likelihood of the true label (nats) over images with a prediction; no upper bound."""
    answered = np.isfinite(counted.loss)
    n = int(answered.sum())
    if n == 0:
        return undefined(0, counted.objects)
    value = float(counted.loss[answered].mean())
    units = counted.resampling
    table = units.sums(np.stack([np.nan_to_num(counted.loss), answered.astype(float)], axis=1))
    if units.units < 2:
        return Estimate(value, math.nan, math.nan, n, counted.objects, "none: one object")
    with np.errstate(invalid="ignore", divide="ignore"):
        found = replicates(table, lambda sums: sums[:, 0] / sums[:, 1])
    low, high = percentile(found, units.units)
    return Estimate(
        value, min(low, value), max(high, value), n, counted.objects, f"bootstrap {_method(counted)}"
    )


def _bounded(counted: Tally, value: float, statistic: Statistic) -> Estimate:
    """A score in [0, 1]: the jackknife over objects gives its variance, a Wilson interval of that effective
    size its shape.

    The percentile bootstrap, an alternative, collapses to a point at 0 and at 1, is too narrow beside them,
    and too narrow where few objects make up a label, because a resample then lacks the label.
    """
    units = counted.resampling
    size = float(units.objects)
    if units.units > 1 and 0 < value < 1:
        correction = stdtrit(counted.n - 1, 0.5 + LEVEL / 2) / stdtrit(units.units - 1, 0.5 + LEVEL / 2)
        variance = max(jackknife(counted.sums, statistic), value * (1 - value) / counted.n)
        size = value * (1 - value) / variance * float(correction) ** 2
    low, high = (float(bound) for bound in wilson(value * size, size))
    return Estimate(
        value,
        min(low, value),
        max(high, value),
        counted.n,
        counted.objects,
        f"Wilson, jackknife {_method(counted)}",
        bootstrapped(counted, statistic),
    )


def bootstrapped(counted: Tally, statistic: Statistic) -> tuple[Interval, ...]:
    """The percentile bootstrap interval of a score of the tally's sums; nothing where there is one unit."""
    units = counted.resampling.units
    if units < 2:
        return ()
    return (Interval(*percentile(statistic(counted.resampled), units), f"bootstrap {_method(counted)}"),)


def accuracy_of(sums: Floats) -> Floats:
    """Accuracy (B,) of the tally's sums (B, 3 L)."""
    hits, support, _ = _split(sums)
    return np.asarray(hits.sum(axis=1) / support.sum(axis=1))


def _method(counted: Tally) -> str:
    return BY_IMAGE if counted.instances is None else BY_OBJECT


def _split(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Hits, support and predictions (B, L) each, of the tally's sums (B, 3 L)."""
    hits, support, predicted = np.split(sums, 3, axis=1)
    return hits, support, predicted


def _f1(sums: Floats) -> Floats:
    hits, support, predicted = _split(sums)
    return np.asarray(2 * hits / np.maximum(support + predicted, 1))


def _mean(values: Floats, used: np.typing.NDArray[np.bool_]) -> Floats:
    return np.asarray((values * used).sum(axis=1) / np.maximum(used.sum(axis=1), 1))
