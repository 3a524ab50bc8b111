"""Which labels mix in feature space, and whether the checkpoint confuses the same ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.confusion import Confusion
from core.projection.separation import Separation


@dataclass(frozen=True)
class Mix:
    """A pair of labels: `mixing` in [0, 1], the mean share of the one among the other's neighbours, both
    ways; `confused` images of one taken for the other, of `support` images of both."""

    first: str
    second: str
    mixing: float
    confused: int
    support: int


@dataclass(frozen=True)
class Overlap:
    """Every pair of labels with images, most mixed first. `agreement` in [-1, 1] is Spearman's rank
    correlation between how much pairs mix and the share of their images that is confused; NaN where either
    is the same for all pairs."""

    pairs: tuple[Mix, ...]
    agreement: float

    def sentence(self) -> str:
        """What the comparison says, in plain words."""
        confused = sum(pair.confused > 0 for pair in self.pairs)
        if not confused:
            return "The checkpoint confuses no two labels here."
        top = {id(pair) for pair in self.pairs[:confused]}
        both = sum(pair.confused > 0 for pair in self.pairs if id(pair) in top)
        share = f"{both} of the {confused} pairs that it confuses are among the {confused} that mix most."
        if math.isnan(self.agreement):
            return share
        if self.agreement >= 0.5:
            return f"What mixes in feature space is what the head confuses: {share}"
        return f"Mixing in feature space explains the head's confusions only in part: {share}"


def overlap(separated: Separation, confusion: Confusion) -> Overlap:
    """Match the mixing of labels in feature space to the `confusion` of a head with the same labels first."""
    from scipy.stats import spearmanr

    size = len(separated.labels)
    counts = np.asarray(confusion.counts[:size, :size], dtype=np.int64)
    support = confusion.counts.sum(axis=1)
    mixing = _both_ways(separated.mixing)
    wrong = counts + counts.T
    found = [
        Mix(
            separated.labels[a],
            separated.labels[b],
            float(mixing[a, b]),
            int(wrong[a, b]),
            int(support[a] + support[b]),
        )
        for a, b in zip(*np.triu_indices(size, 1), strict=True)
        if np.isfinite(mixing[a, b])
    ]
    shares = [pair.confused / max(pair.support, 1) for pair in found]
    mixes = [pair.mixing for pair in found]
    varied = len(found) > 2 and len(set(shares)) > 1 and len(set(mixes)) > 1
    agreement = float(spearmanr(mixes, shares).statistic) if varied else math.nan
    order = sorted(found, key=lambda pair: (-pair.mixing, -pair.confused, pair.first, pair.second))
    return Overlap(tuple(order), agreement)


def _both_ways(mixing: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of both directions (L, L); where only one label has images, its direction alone."""
    there, back = mixing, mixing.T
    return np.where(np.isnan(there), back, np.where(np.isnan(back), there, (there + back) / 2))
