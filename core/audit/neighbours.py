"""Nearest neighbours in the space of the probes: exact up to 20,000 images, by NN-descent beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.audit.features import Features
from core.progress import Progress, silent

EXACT = 20_000
BLOCK = 1024
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Neighbours:
    """For each of M rows its k nearest others, nearest first: `index` (M, k) int64 positions among the M,
    `cosine` (M, k) float32 in [-1, 1] of the centred features."""

    index: npt.NDArray[np.int64]
    cosine: Floats


def neighbours(
    features: Features,
    k: int,
    groups: npt.NDArray[np.int64] | None = None,
    *,
    progress: Progress = silent,
) -> Neighbours:
    """The k nearest rows of other `groups` (M,) (default: every row is its own group); k is cut to what there
    is.

    Beyond `EXACT` rows groups cannot be left out: only the row itself is.
    """
    unit = directions(features.reduced)
    k = min(k, len(unit) - 1)
    if k < 1:
        return Neighbours(
            np.zeros((len(unit), 0), dtype=np.int64), np.zeros((len(unit), 0), dtype=np.float32)
        )
    if len(unit) > EXACT:
        return _descent(unit, k, progress)
    own = np.arange(len(unit)) if groups is None else groups
    index, cosine = (np.zeros((len(unit), k), dtype=kind) for kind in (np.int64, np.float32))
    for start in range(0, len(unit), BLOCK):
        progress(start, len(unit), "finding neighbours")
        some = slice(start, start + BLOCK)
        similar = unit[some] @ unit.T
        similar[own[some, None] == own[None]] = -2.0
        near = np.argpartition(-similar, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(similar, near, axis=1)
        order = np.argsort(-value, axis=1, kind="stable")
        index[some] = np.take_along_axis(near, order, axis=1)
        cosine[some] = np.take_along_axis(value, order, axis=1)
    return Neighbours(index, cosine)


def directions(table: Floats) -> Floats:
    """Rows (M, d) scaled to unit length."""
    length = np.linalg.norm(table, axis=1, keepdims=True)
    return np.asarray(table / np.maximum(length, np.finfo(np.float32).tiny), dtype=np.float32)


def _descent(unit: Floats, k: int, progress: Progress) -> Neighbours:
    """NN-descent (Dong et al. 2011); on unit vectors the squared Euclidean distance is 2 - 2 cosine."""
    from pynndescent import NNDescent  # numba: seconds to import

    progress(0, len(unit), "finding neighbours")
    graph = NNDescent(unit, metric="euclidean", n_neighbors=k + 1, random_state=0)
    index, distance = graph.neighbor_graph
    own = index == np.arange(len(unit))[:, None]
    own[~own.any(axis=1), -1] = True  # where the row itself is not listed, its last neighbour goes
    kept = ~own
    cosine = 1 - distance.astype(np.float32) ** 2 / 2
    return Neighbours(
        index[kept].reshape(len(unit), k).astype(np.int64),
        cosine[kept].reshape(len(unit), k).astype(np.float32),
    )
