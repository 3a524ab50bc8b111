"""Intervals for proportions, with the design effect of several photographs showing one object.

A proportion here is a ratio of sums: accuracy is right / all, the precision of a class right / predicted, its
recall right / support, and F1 a monotone function of the proportion F* = right / (right + wrong + missed).
Photographs of one object succeed or fail together, so n photographs carry less information than n independent
ones. The variance of the ratio is estimated between objects (Taylor linearisation, Cochran 1977, ch. 6 and
11), the effective sample size n* = n / design effect, corrected for the few objects it was estimated from,
goes into the Wilson interval (Korn & Graubard 1998; Dean & Pagano 2015). See docs/statistics.md for why, and
benchmarks/statistics.py for how often it covers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from core.evaluation.estimate import LEVEL, Estimate, Interval, undefined

Floats = npt.NDArray[np.float64]

WILSON = "Wilson"
CLUSTERED = "Wilson, effective sample size by object"


@dataclass(frozen=True)
class Clusters:
    """Sums over the objects that have a share in K proportions at once: all arrays (K,) float64.

    `objects` counts them, `kish` is (sum n_i)^2 / sum n_i^2 (what n would be worth if each object succeeded
    or failed as a whole), `variance` the between-object variance of the ratio (NaN where fewer than two
    objects).
    """

    objects: Floats
    kish: Floats
    variance: Floats


def wilson(hits: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Wilson 95 % interval (low, high), elementwise, for `hits` out of `n` (floats allowed); NaN where n ==
    0."""
    count, total = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    safe = np.where(total > 0, total, 1.0)
    # Imported here: half a second that a page without an interval need not wait for.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(np.minimum(count, safe), safe, alpha=1 - LEVEL, method="wilson")
    empty = total <= 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def clusters(
    group: npt.NDArray[np.int64], column: npt.NDArray[np.int64], hit: Floats, size: Floats, columns: int
) -> Clusters:
    """Between-object sums of `columns` proportions from M entries (object `group`, proportion `column`).

    An entry adds `hit` to the numerator and `size` to the denominator of its object's share; entries of one
    object and proportion are added up first. All arrays are (M,).
    """
    order = np.lexsort((group, column))
    group, column = group[order], column[order]
    if len(group) == 0:
        zero = np.zeros(columns)
        return Clusters(zero, zero, np.full(columns, np.nan))
    starts = np.flatnonzero(np.r_[True, (np.diff(group) != 0) | (np.diff(column) != 0)])
    y, x, k = np.add.reduceat(hit[order], starts), np.add.reduceat(size[order], starts), column[starts]
    total = np.bincount(k, x, columns)
    objects = np.bincount(k[x > 0], minlength=columns).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.bincount(k, y, columns) / total
        kish = np.nan_to_num(total**2 / np.bincount(k, x**2, columns))
        squares = np.bincount(k, (y - ratio[k] * x) ** 2, columns)
        variance = np.where(objects > 1, objects / (objects - 1) * squares / total**2, np.nan)
    return Clusters(objects, kish, variance)


def effective_size(value: Floats, n: Floats, between: Clusters) -> Floats:
    """Effective number of images (K,) behind proportions `value` of `n` images, in [kish, n].

    Never above n: a design effect below 1 is noise. Never below Kish's number, which is exact where an object
    succeeds or fails as a whole, the worst case. Where the variance cannot be estimated (value 0 or 1, or one
    object) it is that number.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = value * (1 - value) / between.variance
        shrink = (stdtrit(n - 1, 0.5 + LEVEL / 2) / stdtrit(between.objects - 1, 0.5 + LEVEL / 2)) ** 2
        known = (between.objects > 1) & (value > 0) & (value < 1)
    estimate = np.where(known, np.minimum(raw, n) * shrink, between.kish)
    return np.asarray(np.clip(estimate, np.minimum(between.kish, n), n))


def proportions(
    hits: Floats,
    n: Floats,
    between: Clusters | None,
    transform: Callable[[Floats], Floats] = lambda value: value,
) -> list[Estimate]:
    """Estimates of K proportions `hits / n`, both (K,): clustered where `between` is given, else plain
    Wilson.

    `transform`, increasing on [0, 1], is applied to value and interval (F1 from F*). The plain Wilson
    interval is kept among the alternatives of a clustered estimate.
    """
    plain = [transform(bound) for bound in wilson(hits, n)]
    value = np.divide(hits, n, out=np.full(len(n), np.nan), where=n > 0)
    chosen, method = plain, WILSON
    if between is not None:
        size = effective_size(value, n, between)
        chosen, method = [transform(bound) for bound in wilson(value * size, size)], CLUSTERED
    shown = transform(value)
    found = []
    for k, total in enumerate(n):
        objects = None if between is None else int(between.objects[k])
        if total <= 0:
            found.append(undefined(0, objects))
            continue
        others = () if between is None else (Interval(float(plain[0][k]), float(plain[1][k]), WILSON),)
        low, high = min(chosen[0][k], shown[k]), max(chosen[1][k], shown[k])
        found.append(
            Estimate(float(shown[k]), float(low), float(high), round(float(total)), objects, method, others)
        )
    return found


def proportion(hit: npt.NDArray[np.bool_], objects: npt.NDArray[np.int64] | None) -> Estimate:
    """The share of n images where `hit` (n,) is true, clustered by `objects` (n,) where they are known."""
    column = np.zeros(len(hit), dtype=np.int64)
    return proportions_by(hit, column, 1, objects)[0]


def proportions_by(
    hit: npt.NDArray[np.bool_],
    column: npt.NDArray[np.int64],
    columns: int,
    objects: npt.NDArray[np.int64] | None,
) -> list[Estimate]:
    """The share of hits in each of `columns` groups of images; `hit` and `column` (n,)."""
    weight, ones = hit.astype(float), np.ones(len(hit))
    between = None if objects is None else clusters(objects, column, weight, ones, columns)
    hits, sizes = (np.bincount(column, values, columns).astype(float) for values in (weight, ones))
    return proportions(hits, sizes, between)
