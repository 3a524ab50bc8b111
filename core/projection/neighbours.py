"""Exact nearest neighbours by blocked matrix products."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.progress import Progress, silent

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
BLOCK = 8192


def nearest_of(
    base: Floats,
    query: Floats,
    k: int,
    *,
    progress: Progress = silent,
    note: str = "finding neighbours",
) -> tuple[Indices, Floats]:
    """For each of Q queries (Q, D) its `k` nearest rows of `base` (B, D), nearest first.

    Returns positions (Q, k) int64 and Euclidean distances (Q, k) float32; k is cut to B. Exact:
    scikit-learn's ArgKmin, which keeps k candidates per query while it multiplies block by block.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(base))
    model = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="euclidean").fit(base)
    index = np.empty((len(query), k), dtype=np.int64)
    distance = np.empty((len(query), k), dtype=np.float32)
    for start in range(0, len(query), BLOCK):
        progress(start, len(query), note)
        some = slice(start, start + BLOCK)
        distance[some], index[some] = model.kneighbors(query[some])
    progress(len(query), len(query), note)
    return index, distance


def nearest_others(
    table: Floats, k: int, *, rows: Indices | None = None, progress: Progress = silent
) -> tuple[Indices, Floats]:
    """For `rows` (Q,) of `table` (M, D), or all of them, the `k` nearest other rows: (Q, k) as `nearest_of`.

    The row itself is left out even where others coincide with it.
    """
    own = np.arange(len(table)) if rows is None else rows
    index, distance = nearest_of(table, table[own], min(k, len(table) - 1) + 1, progress=progress)
    itself = index == own[:, None]
    itself[~itself.any(axis=1), -1] = True  # more than k coincide with it: it was not listed
    width = index.shape[1] - 1
    return index[~itself].reshape(-1, width), distance[~itself].reshape(-1, width)
