"""Orders and how to merge them: the best k of many, and reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.retrieval.probabilities import Floats

RRF = 60
"""The constant k of reciprocal rank fusion (Cormack, Clarke & Buettcher, SIGIR 2009)."""
DEPTH = 2_000
"""Ranks beyond this add nothing to a fused score: 1 / (60 + 2,000) is a thirtieth of a first place."""
SAMPLE = 64
"""Every so many values are looked at to bound the k-th highest."""


def best(scores: Floats, k: int, keep: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
    """Rows of the `k` highest finite scores (N,), best first, ties by row; only of `keep` (N,) if given."""
    usable = scores if keep is None else np.where(keep, scores, np.float32(-np.inf))
    k = min(k, len(usable))
    if k <= 0:
        return np.empty(0, dtype=np.int64)
    limit = _highest(usable, k)
    above = np.flatnonzero(usable > limit)
    ranked = above[np.argsort(-usable[above], kind="stable")]
    if len(ranked) < k and np.isfinite(limit):
        ranked = np.concatenate([ranked, np.flatnonzero(usable == limit)[: k - len(ranked)]])
    return ranked.astype(np.int64)


def _highest(values: Floats, k: int) -> np.float32:
    """The `k`-th highest of `values`. A sample finds a bound first: most values never need to be moved."""
    n = len(values)
    if n > 64 * SAMPLE and k < n // 16:
        sample = values[::SAMPLE]
        m = min(2 * k // SAMPLE + 32, len(sample))
        bound = np.partition(sample, len(sample) - m)[len(sample) - m]
        above = values[values > bound]
        if len(above) >= k:
            return np.float32(np.partition(above, len(above) - k)[len(above) - k])
        if np.count_nonzero(values >= bound) >= k:
            return np.float32(bound)
    return np.float32(np.partition(values, n - k)[n - k])


def reciprocal_rank_fusion(rankings: Sequence[Floats], constant: int = RRF) -> Floats:
    """Sum over rankings of 1 / (constant + rank), (N,) float32, from their scores (N,) each.

    Ties share the best rank. A row that a ranking leaves out (-inf), or ranks below `DEPTH`, gets nothing
    from it; one that all leave out is -inf.
    """
    total = np.zeros(len(rankings[0]), dtype=np.float32)
    anywhere = np.zeros(len(total), dtype=bool)
    for scores in rankings:
        rows = best(scores, DEPTH)
        anywhere |= np.isfinite(scores)
        if len(rows):
            total[rows] += (1 / (constant + shared_ranks(scores[rows]))).astype(np.float32)
    return np.where(anywhere, total, np.float32(-np.inf))


def shared_ranks(descending: Floats) -> npt.NDArray[np.float64]:
    """Ranks (K,) from 1 of scores that are in descending order; ties share the best rank."""
    new = np.r_[True, np.diff(descending) != 0]
    starts = np.flatnonzero(new)
    return np.asarray(starts[np.cumsum(new) - 1] + 1, dtype=np.float64)
