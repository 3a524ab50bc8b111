"""The cluster bootstrap, on sums per object: no image is touched twice.

Objects are drawn with replacement (Efron & Tibshirani 1993; Davison & Hinkley 1997, 3.8); a score that is a
function of sums needs only each object's sums, so a resample is a row of weights times a matrix. Above
`UNITS` objects they are first dealt at random into `UNITS` groups (random groups, Wolter 2007, ch. 2), which
bounds the work and leaves the variance what it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from core.evaluation.estimate import LEVEL, Estimate

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Maps sums (B, K) to scores (B,), NaN where a resample does not define the score."""

RESAMPLES = 1000
UNITS = 600
SEED = 20251123


@dataclass(frozen=True, eq=False)
class Resampling:
    """Which unit (N,) int64 in [0, units) each row belongs to, and how many objects there are in truth."""

    unit: npt.NDArray[np.int64]
    units: int
    objects: int

    def sums(self, columns: Floats) -> Floats:
        """Sums (units, K) over the rows of each unit of `columns` (N,) or (N, K)."""
        table = columns.reshape(len(columns), -1)
        return np.stack([np.bincount(self.unit, column, self.units) for column in table.T], axis=1)

    def counts(self, code: npt.NDArray[np.int64], size: int) -> Floats:
        """How often each code in [0, size) occurs in each unit: (units, size); codes outside are left out."""
        inside = (code >= 0) & (code < size)
        flat = np.bincount(self.unit[inside] * size + code[inside], minlength=self.units * size)
        return flat.reshape(self.units, size).astype(np.float64)


def resampling(objects: npt.NDArray[np.int64] | None, n: int) -> Resampling:
    """Units for the bootstrap of `n` rows: by object (N,) int64, or row by row where objects are None."""
    codes = np.arange(n, dtype=np.int64) if objects is None else np.unique(objects, return_inverse=True)[1]
    count = int(codes.max()) + 1 if n else 0
    if count <= UNITS:
        return Resampling(codes.astype(np.int64), count, count)
    dealt = np.random.default_rng(SEED).permutation(count) % UNITS
    return Resampling(dealt[codes].astype(np.int64), UNITS, count)


@lru_cache(maxsize=16)
def weights(units: int, resamples: int = RESAMPLES) -> Floats:
    """How often each of `units` units is drawn in each resample: (resamples, units), read-only, the same
    every time."""
    drawn = np.random.default_rng(SEED).integers(0, units, (resamples, units))
    flat = np.bincount((drawn + np.arange(resamples)[:, None] * units).ravel(), minlength=resamples * units)
    table = flat.reshape(resamples, units).astype(np.float64)
    table.flags.writeable = False
    return table


def replicates(sums: Floats, statistic: Statistic, resamples: int = RESAMPLES) -> Floats:
    """The score on `resamples` resamples of the units whose sums (units, K) are given; undefined ones are
    dropped."""
    found = statistic(weights(len(sums), resamples) @ sums)
    return found[np.isfinite(found)]


def jackknife(sums: Floats, statistic: Statistic) -> float:
    """Variance of a score of sums over units (units, K), by leaving out one unit at a time (Efron &
    Tibshirani 1993, ch. 11; for random groups Wolter 2007, ch. 4). 0 for fewer than two units."""
    units = len(sums)
    if units < 2:
        return 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(sums.sum(axis=0) - sums)
    found = found[np.isfinite(found)]
    return float(found.var() * (units - 1)) if len(found) else 0.0


def percentile(found: Floats, units: int) -> tuple[float, float]:
    """Expanded percentile interval of replicates (B,), which widens for few units (Hesterberg 2015, section
    5.3)."""
    tail = ndtr(-np.sqrt(units / (units - 1)) * stdtrit(units - 1, 0.5 + LEVEL / 2))
    low, high = np.quantile(found, (tail, 1 - tail))
    return float(low), float(high)


def mean(values: Floats, objects: npt.NDArray[np.int64] | None) -> Estimate:
    """The mean of `values` (n,), n > 0, with its bootstrap interval by object, or by image where objects (n,)
    are None."""
    units = resampling(objects, len(values))
    count = None if objects is None else units.objects
    value = float(values.mean())
    if units.units < 2:
        return Estimate(value, math.nan, math.nan, len(values), count, "none: one object")
    sums = units.sums(np.stack([values, np.ones(len(values))], axis=1))
    low, high = percentile(replicates(sums, lambda s: s[:, 0] / s[:, 1]), units.units)
    return Estimate(value, min(low, value), max(high, value), len(values), count, method(objects))


def method(objects: npt.NDArray[np.int64] | None) -> str:
    """What the bootstrap's intervals say of themselves."""
    return "bootstrap by image" if objects is None else "bootstrap by object"
