"""Nearest evidence: the images whose embeddings point the same way, by exact cosine distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError

BLOCK = 8192
"""Rows compared at a time, so that memory does not grow with the data set (8192 x 1280 float32 = 42 MB)."""


@dataclass(frozen=True)
class Neighbour:
    """One near image: its row, its cosine distance (0 = same direction, 2 = opposite), and whether it shows
    the same object as the query."""

    row: int
    distance: float
    same_instance: bool = False


def nearest(
    embeddings: npt.NDArray[np.float32],
    query: npt.NDArray[np.float32],
    *,
    rows: npt.NDArray[np.bool_] | None = None,
    k: int = 6,
    exclude: int | None = None,
    instances: npt.NDArray[np.int64] | None = None,
    instance: int | None = None,
) -> tuple[Neighbour, ...]:
    """The `k` rows of `embeddings` (N, D) nearest to `query` (D,), nearest first; fewer where fewer exist.

    `rows` (N,) bool limits the candidates (e.g. to the training split), `exclude` leaves out the query's own
    row, and `instances` (N,) with the query's `instance` flags the candidates that show the same object. Rows
    with NaN (not indexed) or zero length are never returned. Ties are broken by row. Raises SelectionError
    when the query is not a finite vector of D numbers.
    """
    query = np.asarray(query, dtype=np.float32)
    if query.shape != embeddings.shape[1:] or not np.isfinite(query).all() or not query.any():
        raise SelectionError(
            "This image has no usable embedding",
            cause=f"Its vector has shape {query.shape}; {embeddings.shape[1]} finite numbers are needed.",
            fix="Index the data set with this checkpoint, then try again.",
        )
    candidates = _candidates(len(embeddings), rows, exclude)
    distances = _distances(embeddings, query / np.linalg.norm(query), candidates)
    finite = np.isfinite(distances)
    candidates, distances = candidates[finite], distances[finite]
    order = _smallest(distances, k)
    return tuple(
        Neighbour(
            row=int(row),
            distance=float(distance),
            same_instance=instances is not None and instance is not None and int(instances[row]) == instance,
        )
        for row, distance in zip(candidates[order], distances[order], strict=True)
    )


def _candidates(n: int, rows: npt.NDArray[np.bool_] | None, exclude: int | None) -> npt.NDArray[np.int64]:
    wanted = np.ones(n, dtype=bool) if rows is None else rows.copy()
    if exclude is not None:
        wanted[exclude] = False
    return np.flatnonzero(wanted)


def _distances(
    embeddings: npt.NDArray[np.float32], unit: npt.NDArray[np.float32], candidates: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Cosine distances of the candidates, inf where a vector is absent or zero."""
    distances = np.full(len(candidates), np.inf, dtype=np.float32)
    for start in range(0, len(candidates), BLOCK):
        block = np.asarray(embeddings[candidates[start : start + BLOCK]], dtype=np.float32)
        norms = np.sqrt(np.einsum("ij,ij->i", block, block))
        usable = np.isfinite(norms) & (norms > 0)
        # float32 rounding leaves identical vectors at about +-1e-7: a distance is never negative
        cosine = (block[usable] @ unit) / norms[usable]
        distances[start : start + BLOCK][usable] = np.maximum(1.0 - cosine, 0.0)
    return distances


def _smallest(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Positions of the `k` smallest values, ascending, ties by position."""
    if len(values) > k:
        # keep every value that ties with the k-th, so that the order among ties is the rows' own
        limit = np.partition(values, k - 1)[k - 1]
        kept = np.flatnonzero(values <= limit)
    else:
        kept = np.arange(len(values))
    return kept[np.argsort(values[kept], kind="stable")][:k]
