"""Quality of rankings against right answers, for many queries at once.

Definitions as in scikit-learn (`average_precision_score`, `ndcg_score`), which scores one query per call and
would take minutes here; a test holds ours to theirs. Ties are broken by one random order of the rows, the
same for every method: a method gains nothing by giving many images one score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

MEASURES = ("average_precision", "ndcg", "precision", "recall")
SEED = 20251123


@dataclass(frozen=True, eq=False)
class Quality:
    """Per query (Q,) float64, each in [0, 1]; `ndcg`, `precision` and `recall` among the first `k`."""

    k: int
    average_precision: Floats
    ndcg: Floats
    precision: Floats
    recall: Floats

    def table(self) -> Floats:
        """(Q, 4) in the order of `MEASURES`."""
        return np.stack([getattr(self, name) for name in MEASURES], axis=1)


def random_order(n: int) -> npt.NDArray[np.int64]:
    """The order of `n` rows that breaks ties."""
    return np.random.default_rng(SEED).permutation(n).astype(np.int64)


def quality(scores: npt.NDArray[np.float32], right: Bools, judged: Bools, k: int = 10) -> Quality:
    """Quality of rankings by `scores` (Q, M), highest first; every query needs a right row.

    `right` and `judged` (Q, M): rows that cannot be judged are taken out of the ranking (condensed lists,
    Sakai 2007); unscored ones (-inf) come last.
    """
    shuffle = random_order(scores.shape[1])
    place = np.argsort(np.where(judged, -scores, np.inf)[:, shuffle], axis=1, kind="stable")
    hits = np.take_along_axis((right & judged)[:, shuffle], place, axis=1)
    judgeable = judged.sum(axis=1)
    total = hits.sum(axis=1)
    first = hits[:, :k]
    discount = 1 / np.log2(np.arange(2, k + 2))[: first.shape[1]]
    ideal = np.r_[0.0, np.cumsum(discount)][np.minimum(total, len(discount))]
    found = first.sum(axis=1)
    return Quality(
        k,
        average_precision=_average_precision(hits, total),
        ndcg=(first @ discount) / ideal,
        precision=found / np.minimum(k, judgeable),
        recall=found / total,
    )


def _average_precision(hits: Bools, total: npt.NDArray[np.int64]) -> Floats:
    """Mean over the right rows of the precision at their place (Q,)."""
    query, place = np.nonzero(hits)  # by query, then by place
    nth = np.arange(len(query)) - np.r_[0, np.cumsum(total)][query] + 1
    return np.bincount(query, nth / (place + 1), len(total)) / total


def chance(right: Bools, judged: Bools, k: int = 10) -> Quality:
    """What a random order is expected to reach on the same queries.

    Of average precision: (H + (R - 1) / (n - 1) * (n - H)) / n with R right rows among n and H the n-th
    harmonic number (Bestgen 2015).
    """
    n, total = judged.sum(axis=1).astype(float), (right & judged).sum(axis=1).astype(float)
    harmonic = np.r_[0.0, np.cumsum(1 / np.arange(1, judged.shape[1] + 1))][n.astype(int)]
    share, first = total / n, np.minimum(k, n).astype(int)
    gain = np.r_[0.0, np.cumsum(1 / np.log2(np.arange(2, k + 2)))]
    return Quality(
        k,
        average_precision=(harmonic + (total - 1) / np.maximum(n - 1, 1) * (n - harmonic)) / n,
        ndcg=share * gain[first] / gain[np.minimum(total, first).astype(int)],
        precision=share,
        recall=first / n,
    )
