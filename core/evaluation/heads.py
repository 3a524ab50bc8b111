"""Several heads on the same images: all right at once, one wrong while another is right, errors that come
together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import fisher_exact, ttest_1samp
from statsmodels.stats.multitest import multipletests

from core.errors import SelectionError
from core.evaluation.bootstrap import Floats, method, percentile, replicates, resampling
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion
from core.evaluation.outcomes import Mask, Outcomes

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HeadPair:
    """Heads `a` and `b` on the n images where both truths are known: row numbers by which of them is right.

    `expected_neither` is how many images both would get wrong were their errors independent; `lift` is how
    many times as many do (None where none is expected), `phi` the correlation of the errors in [-1, 1] (0
    where one head is always right or always wrong). `p`, with Holm's correction over all pairs, says whether
    errors come together or avoid each other: Fisher's exact test, and where objects are known the larger of
    it and the test by object. `b_when_a_wrong` and `b_when_a_right` are the accuracy of b given a, and the
    other way round.
    """

    a: str
    b: str
    n: int
    both: Rows
    only_a: Rows
    only_b: Rows
    neither: Rows
    expected_neither: float
    lift: Estimate | None
    phi: float
    p: float
    b_when_a_right: Estimate
    b_when_a_wrong: Estimate
    a_when_b_right: Estimate
    a_when_b_wrong: Estimate

    @property
    def matrix(self) -> npt.NDArray[np.int64]:
        """Counts (2, 2): a right / wrong by b right / wrong."""
        return np.array(
            [[len(self.both), len(self.only_a)], [len(self.only_b), len(self.neither)]], dtype=np.int64
        )


@dataclass(frozen=True, eq=False)
class Together:
    """All heads at once, on the images where every truth is known: `joint` is the share with every head
    right, `independent` what it would be were errors independent; `wrong_heads[k]` counts images with k heads
    wrong."""

    tasks: tuple[str, ...]
    joint: Estimate
    independent: float
    wrong_heads: tuple[int, ...]
    pairs: tuple[HeadPair, ...]


def together(heads: Mapping[str, Outcomes], rows: Mask) -> Together:
    """All heads of one checkpoint on one data set over the rows (N,). Raises SelectionError for fewer than
    two."""
    if len(heads) < 2:
        raise SelectionError(
            "There is one head only",
            cause="Heads are compared with each other here.",
            fix="Choose other data.",
        )
    scored = np.logical_and.reduce([head.scored for head in heads.values()]) & rows
    wrong = np.stack([~head.correct[scored] for head in heads.values()])  # (T, n)
    instances = next(iter(heads.values())).instances
    joint = proportion(np.asarray(~wrong.any(axis=0)), None if instances is None else instances[scored])
    rates = 1 - wrong.mean(axis=1) if wrong.shape[1] else np.full(len(heads), np.nan)
    pairs = [_pair(a, b, heads[a], heads[b], rows) for a, b in combinations(heads, 2)]
    adjusted = multipletests([pair.p for pair in pairs], method="holm")[1]
    return Together(
        tasks=tuple(heads),
        joint=joint,
        independent=float(np.prod(rates)),
        wrong_heads=tuple(int(n) for n in np.bincount(wrong.sum(axis=0), minlength=len(heads) + 1)),
        pairs=tuple(
            HeadPair(**{**vars(pair), "p": float(p)}) for pair, p in zip(pairs, adjusted, strict=True)
        ),
    )


def _pair(a: str, b: str, first: Outcomes, second: Outcomes, rows: Mask) -> HeadPair:
    used = rows & first.scored & second.scored
    one, other = first.correct, second.correct
    cells = [np.flatnonzero(used & x & y) for x in (one, ~one) for y in (other, ~other)]
    both, only_a, only_b, neither = cells
    n = int(used.sum())
    wrong_a, wrong_b = n - len(both) - len(only_a), n - len(both) - len(only_b)
    expected = wrong_a * wrong_b / n if n else 0.0
    objects = None if first.instances is None else first.instances[used]
    misses = np.stack([~one[used], ~other[used]]).astype(float)  # (2, n)

    def given(condition: Mask, hit: Mask) -> Estimate:
        chosen = used & condition
        return proportion(hit[chosen], None if first.instances is None else first.instances[chosen])

    return HeadPair(
        a=a,
        b=b,
        n=n,
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=neither,
        expected_neither=float(expected),
        lift=_lift(misses, objects) if expected else None,
        phi=float(np.corrcoef(misses)[0, 1]) if 0 < wrong_a < n and 0 < wrong_b < n else 0.0,
        p=_p([[len(both), len(only_a)], [len(only_b), len(neither)]], misses, objects) if n else 1.0,
        b_when_a_right=given(one, other),
        b_when_a_wrong=given(~one, other),
        a_when_b_right=given(other, one),
        a_when_b_wrong=given(~other, one),
    )


def _p(counts: list[list[int]], misses: Floats, objects: Rows | None) -> float:
    """Whether two heads' errors `misses` (2, n) go together: Fisher's exact test of the `counts`, and by
    object the t-test of what each object adds to their covariance (a score test that lets the images of one
    object depend on each other in any way). The larger p counts: one object that both find hard proves
    nothing."""
    exact = float(fisher_exact(counts).pvalue)
    if objects is None:
        return exact
    product = np.prod(misses - misses.mean(axis=1, keepdims=True), axis=0)
    sums = resampling(objects, len(objects)).sums(product)[:, 0]
    if len(sums) < 2 or not sums.any():
        return 1.0
    return max(exact, float(ttest_1samp(sums, 0.0).pvalue))


def _lift(misses: Floats, objects: Rows | None) -> Estimate:
    """Images that both get wrong over those expected, with its bootstrap interval."""
    n = misses.shape[1]
    units = resampling(objects, n)
    sums = units.sums(np.stack([*misses, misses.prod(axis=0), np.ones(n)], axis=1))

    def statistic(table: Floats) -> Floats:
        a, b, both, size = table.T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(both * size / (a * b))

    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    count = None if objects is None else units.objects
    if units.units < 2:
        return Estimate(value, np.nan, np.nan, n, count, "none: one object")
    low, high = percentile(replicates(sums, statistic), units.units)
    return Estimate(value, min(low, value), max(high, value), n, count, method(objects))
