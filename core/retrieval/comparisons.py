"""Means over queries with intervals, and tests of which differences between rankings hold.

The interval is a bootstrap over queries: how far a mean would move with other queries on the same images; it
says nothing about other images. Methods are compared on the same queries by a sign-flip randomisation test
(Smucker, Allan & Carterette 2007), with Holm's correction over the comparisons made. Queries about one
primary label share their images, so the test is also made with all queries about one label flipped together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ttest_1samp

from core.evaluation.bootstrap import percentile, replicates, resampling
from core.evaluation.estimate import Estimate
from core.evaluation.flips import MANY, sign_flip
from core.retrieval.metrics import Floats
from core.retrieval.rankings import Contender

CHANCE = Contender("", "chance")
NOTHING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """mAP of A minus mAP of B on the same queries, and how likely so large a difference is by chance."""

    a: Contender
    b: Contender
    difference: Estimate
    wins: int
    """Queries on which A is better."""
    losses: int
    p: float
    p_holm: float
    p_by_label: float
    """The same with all queries about one primary label as one unit: the careful figure."""
    test: str

    def text(self, name: Callable[[Contender], str] = lambda who: who.name) -> str:
        """E.g. "a probability beats a tfidf: mAP difference 0.101 (0.080 – 0.121), p < 0.001 over queries,
        p = 0.004 over labels"; `name` says what a contender is called."""
        gap = self.difference
        says = "beats" if gap.value > 0 else "loses to"
        if self.p_holm >= 0.05:
            says = "cannot be told from"
        figures = f"mAP difference {gap.text(percent=False)}, {_p(self.p_holm)}"
        verdict = f"{name(self.a)} {says} {name(self.b)}"
        return f"{verdict}: {figures} over queries, {_p(self.p_by_label)} over labels"

    def to_json(self) -> dict[str, Any]:
        """Keys a, b, difference, wins, losses, ties, p, p_holm, p_by_label, test, text."""
        return {
            "a": {"model": self.a.model, "method": self.a.method},
            "b": {"model": self.b.model, "method": self.b.method},
            "difference": self.difference.to_json(),
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.difference.n - self.wins - self.losses,
            "p": self.p,
            "p_holm": self.p_holm,
            "p_by_label": self.p_by_label,
            "test": self.test,
            "text": self.text(),
        }


def means(table: Floats, objects: npt.NDArray[np.int64] | None = None) -> list[Estimate]:
    """The mean of every column of (Q, K) with its bootstrap interval, over queries or over `objects` (Q,)."""
    n = len(table)
    value = table.mean(axis=0)
    units = resampling(objects, n)
    count = None if objects is None else units.objects
    method = f"bootstrap by {'query' if objects is None else 'object'}"
    if units.units < 2:
        return [Estimate(float(v), np.nan, np.nan, n, count, method) for v in value]
    sums = np.column_stack([units.sums(table), units.sums(np.ones(n))])
    found = []
    for column, v in enumerate(value):
        drawn = replicates(sums[:, [column, -1]], lambda s: s[:, 0] / s[:, 1])
        low, high = percentile(drawn, units.units)
        found.append(Estimate(float(v), min(low, float(v)), max(high, float(v)), n, count, method))
    return found


def compare(figures: dict[Contender, Floats], labels: npt.NDArray[np.int64]) -> tuple[Comparison, ...]:
    """Every two methods of one checkpoint, checkpoints against each other, and all together against each.

    `figures` holds (Q, 4) per contender, average precision first; `labels` (Q,) numbers the primary labels
    that queries are about.
    """
    from statsmodels.stats.multitest import multipletests

    chosen = list(_pairs(list(figures)))
    gaps = [figures[a][:, 0] - figures[b][:, 0] for a, b in chosen]
    tests = [flip_test(gap) for gap in gaps]
    corrected = multipletests([p for p, _ in tests], method="holm")[1] if tests else []
    return tuple(
        Comparison(
            a,
            b,
            difference=means(gap[:, None])[0],
            wins=int((gap > NOTHING).sum()),
            losses=int((gap < -NOTHING).sum()),
            p=p,
            p_holm=float(holm),
            p_by_label=flip_test(np.bincount(labels, gap).astype(np.float64))[0],
            test=test,
        )
        for (a, b), gap, (p, test), holm in zip(chosen, gaps, tests, corrected, strict=True)
    )


def _pairs(contenders: Sequence[Contender]) -> Iterator[tuple[Contender, Contender]]:
    ours = [who for who in contenders if who != CHANCE]
    yield from ((a, b) for a, b in combinations(ours, 2) if a.model == b.model)
    singles = [who for who in ours if who.method == "probability"]
    yield from combinations(singles, 2)
    yield from ((a, b) for a in ours if a.method in ("average", "rrf") for b in singles)
    yield from ((a, CHANCE) for a in singles)


def flip_test(gaps: Floats) -> tuple[float, str]:
    """Two-sided p-value that paired differences (Q,) have mean 0, and the name of the test: signs flipped at
    random, exactly for few, by the t-test for many."""
    differing = gaps[np.abs(gaps) > NOTHING]
    if len(differing) > MANY:
        return float(ttest_1samp(gaps, 0.0).pvalue), "paired t-test"
    return sign_flip(differing), "sign-flip randomisation"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
