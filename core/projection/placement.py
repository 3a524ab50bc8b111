"""Large data sets: the map is laid out for a sample, and the rest is placed among its neighbours."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from core.progress import Progress, silent
from core.projection.neighbours import nearest_of

Floats = npt.NDArray[np.float32]
NEIGHBOURS = 5
MANY = 50_000
"""So many images are placed through an index of the sample: comparing all would take most of the time."""
BLOCK = 16_384
NOTE = "placing the rest"


def sample_rows(n: int, size: int, seed: int) -> npt.NDArray[np.int64]:
    """`size` of `n` positions drawn without order, ascending; all of them where n <= size."""
    if n <= size:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, size, replace=False))


def place(sample: Floats, layout: Floats, rest: Floats, *, progress: Progress = silent) -> Floats:
    """Coordinates (R, d) of `rest` (R, D) from the `layout` (S, d) of `sample` (S, D).

    Each is put at the mean of its `NEIGHBOURS` nearest sample images, weighted by 1 / distance^4, so that the
    nearest count most; an image that coincides with one of the sample lands on it.
    """
    index, distance = _nearest(sample, rest, progress)
    weight = 1.0 / np.maximum(distance.astype(np.float64), 1e-6) ** 4
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("rk,rkd->rd", weight, layout[index]), dtype=np.float32)


def _nearest(sample: Floats, rest: Floats, progress: Progress) -> tuple[npt.NDArray[np.int64], Floats]:
    """Positions and distances (R, `NEIGHBOURS`) in the sample, exact where `rest` is not very long.

    Else by faiss's inverted file (Jégou et al. 2011): the sample is sorted into sqrt(S) cells, and an image
    is compared with those of the nearest eighth of them.
    """
    if len(rest) < MANY or len(sample) < 100 * NEIGHBOURS:
        return nearest_of(sample, rest, NEIGHBOURS, progress=progress, note=NOTE)
    import faiss

    base = np.ascontiguousarray(sample, dtype=np.float32)
    cells = math.isqrt(len(base))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(base.shape[1]), base.shape[1], cells, faiss.METRIC_L2)
    index.cp.seed, index.nprobe = 1, max(16, cells // 8)
    index.train(base)
    index.add(base)
    found = np.empty((len(rest), NEIGHBOURS), dtype=np.int64)
    squares = np.empty((len(rest), NEIGHBOURS), dtype=np.float32)
    for start in range(0, len(rest), BLOCK):
        progress(start, len(rest), NOTE)
        some = slice(start, start + BLOCK)
        squares[some], found[some] = index.search(
            np.ascontiguousarray(rest[some], dtype=np.float32), NEIGHBOURS
        )
    distance = np.sqrt(np.maximum(squares, 0))
    short = np.flatnonzero((found < 0).any(axis=1))  # fewer than enough in the cells that were visited
    if len(short):
        found[short], distance[short] = nearest_of(sample, rest[short], NEIGHBOURS)
    return found, distance
