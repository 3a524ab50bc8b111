"""Embeddings as directions: the space in which neighbours are found and maps are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import StoreError

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
LEAST = 5
"""Fewer images than this make no map."""


@dataclass(frozen=True, eq=False)
class Space:
    """M images of a data set of N: `rows` (M,) int64, and `unit` (M, D) float32 of unit length, so that the
    squared Euclidean distance of two rows is twice their cosine distance."""

    total: int
    rows: Rows
    unit: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def spread(self, values: Floats) -> Floats:
        """`values` (M, d) at their rows of a table (N, d), NaN elsewhere; read-only."""
        found = np.full((self.total, values.shape[1]), np.nan, dtype=np.float32)
        found[self.rows] = values
        found.flags.writeable = False
        return found


def space(embeddings: npt.NDArray[np.floating]) -> Space:
    """From embeddings (N, D): rows that are absent (NaN) or of no length are left out.

    Raises StoreError where fewer than `LEAST` are left.
    """
    with np.errstate(over="ignore"):  # a length beyond float32 is infinite, and its row left out
        length = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings, dtype=np.float32))
    rows = np.flatnonzero(np.isfinite(length) & (length > 0)).astype(np.int64)
    if len(rows) < LEAST:
        raise StoreError(
            "There are too few embeddings for a map",
            cause=f"{len(rows)} of {len(embeddings)} images have one; {LEAST} are needed.",
            fix="Index the data set with this checkpoint.",
        )
    unit = np.asarray(embeddings[rows], dtype=np.float32) / length[rows, None]
    return Space(len(embeddings), rows, unit)
