"""Two checkpoints on the same images: the difference of two proportions with its interval and its tests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.power import normal_sample_size_one_tail

from core.evaluation.bootstrap import percentile, replicates, resampling
from core.evaluation.estimate import LEVEL, Estimate, Interval, undefined
from core.evaluation.flips import MANY, sign_flip
from core.evaluation.intervals import Floats, clusters

POWER = 0.8
"""How surely a difference of the size in question should be found."""
METHOD = "Agresti-Min"
METHOD_OBJECTS = "Agresti-Min, effective sample size by object"


@dataclass(frozen=True)
class Discordance:
    """n images: `only_a` right by A alone, `only_b` by B alone; `effective` images' worth where objects are
    known."""

    n: int
    only_a: int
    only_b: int
    effective: float

    @property
    def rate(self) -> float:
        """Share of images on which exactly one is right, drawn a little towards one half so that it is never
        0."""
        return (self.only_a + self.only_b + 1) / (self.n + 2)


def discordance(
    a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], objects: npt.NDArray[np.int64] | None
) -> Discordance:
    """Count where A (n,) and B (n,) differ in being right, and what the images are worth (`objects` (n,) or
    None)."""
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return Discordance(len(a), only_a, only_b, _effective(a.astype(float) - b, objects))


def _effective(difference: Floats, objects: npt.NDArray[np.int64] | None) -> float:
    """Effective number of images behind a mean of differences in {-1, 0, 1}; see intervals.effective_size."""
    n = len(difference)
    if objects is None or n == 0:
        return float(n)
    shifted = (difference + 1) / 2
    between = clusters(objects, np.zeros(n, dtype=np.int64), shifted, np.ones(n), 1)
    kish, count, variance = float(between.kish[0]), float(between.objects[0]), float(between.variance[0])
    independent = float(shifted.var()) / n
    if count < 2 or independent == 0:
        return kish
    shrink = (student.ppf(0.5 + LEVEL / 2, n - 1) / student.ppf(0.5 + LEVEL / 2, count - 1)) ** 2
    worth = n if variance == 0 else min(n * independent / variance, n)
    return float(np.clip(worth * shrink, min(kish, n), n))


def difference(
    a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], objects: npt.NDArray[np.int64] | None
) -> Estimate:
    """Accuracy of A minus accuracy of B, in [-1, 1], on the same n images: (n,) bool each.

    Interval: Agresti & Min (2005), half an image added to each cell of the two by two table, at the effective
    sample size. The bootstrap of the difference by object is an alternative.
    """
    count = None if objects is None else len(np.unique(objects))
    found = discordance(a, b, objects)
    if found.n == 0:
        return undefined(0, count)
    value = (found.only_a - found.only_b) / found.n
    scale, total = found.effective / found.n, found.effective + 2
    plus, minus = found.only_a * scale + 0.5, found.only_b * scale + 0.5
    spread = float(norm.ppf(0.5 + LEVEL / 2)) * math.sqrt(plus + minus - (plus - minus) ** 2 / total) / total
    centre = (plus - minus) / total
    return Estimate(
        value,
        max(-1.0, min(centre - spread, value)),
        min(1.0, max(centre + spread, value)),
        found.n,
        count,
        METHOD if objects is None else METHOD_OBJECTS,
        _bootstrap(a.astype(float) - b, objects),
    )


def _bootstrap(values: Floats, objects: npt.NDArray[np.int64] | None) -> tuple[Interval, ...]:
    units = resampling(objects, len(values))
    if units.units < 2:
        return ()
    sums = units.sums(np.stack([values, np.ones(len(values))], axis=1))
    low, high = percentile(replicates(sums, lambda s: s[:, 0] / s[:, 1]), units.units)
    return (Interval(low, high, f"bootstrap {'by image' if objects is None else 'by object'}"),)


def exact_mcnemar(found: Discordance) -> float:
    """Two-sided p-value of the exact McNemar test: are the two equally often right alone? Assumes independent
    images."""
    return float(mcnemar([[0, found.only_a], [found.only_b, 0]], exact=True).pvalue)


def object_test(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_], objects: npt.NDArray[np.int64]) -> float:
    """Two-sided p-value of the sign-flip test by object: McNemar's for images that come in objects.

    Under the null the two checkpoints may be swapped on any object as a whole; exact up to 13 differing
    objects, by 9,999 random swaps beyond, by its normal limit from `MANY` on.
    """
    sums = np.bincount(np.unique(objects, return_inverse=True)[1], a.astype(float) - b)
    sums = sums[sums != 0]
    if len(sums) > MANY:
        return float(2 * norm.sf(abs(sums.sum()) / math.sqrt(float((sums**2).sum()))))
    return sign_flip(sums)


def images_needed(gap: float, rate: float) -> float:
    """Independent images at which a true difference `gap` in (0, 1] is found with 80 % power at the 5 %
    level.

    McNemar's test where a share `rate` of the images is discordant (Connor 1987).
    """
    rate = max(rate, gap)
    found = normal_sample_size_one_tail(
        gap, POWER, (1 - LEVEL) / 2, math.sqrt(rate), math.sqrt(rate - gap**2)
    )
    return float(found)


def smallest_detectable(found: Discordance) -> float:
    """The smallest true difference that these images would find with 80 % power; 1.0 where none would be."""
    if images_needed(1.0, found.rate) >= found.effective:
        return 1.0
    return float(brentq(lambda gap: images_needed(gap, found.rate) - found.effective, 1e-6, 1.0))


def more_images(found: Discordance) -> int | None:
    """How many more images would decide a difference of the size seen, were it the true one; None for none
    seen."""
    gap = abs(found.only_a - found.only_b) / found.n if found.n else 0.0
    if gap == 0:
        return None
    return max(0, math.ceil(images_needed(gap, found.rate) * found.n / found.effective) - found.n)
