"""Embeddings made ready for auditing: rows that have one, centred, of unit length, and not wider than
needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from core.errors import StoreError

WIDTH = 128
"""Principal components kept for probes: enough for every head tried, and it bounds the work."""
SAMPLE = 20_000
"""Rows that the principal components are computed from."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Features:
    """M rows with an embedding: `rows` (M,) int64 of the data set, `unit` (M, D) float32 of unit length for
    cosines, `reduced` (M, d <= WIDTH) float32, centred and with components of falling variance, scaled to
    mean square 1."""

    rows: npt.NDArray[np.int64]
    unit: Floats
    reduced: Floats

    def __len__(self) -> int:
        return len(self.rows)


def features(embeddings: npt.NDArray[np.floating], present: npt.NDArray[np.bool_]) -> Features:
    """From embeddings (N, D) and which rows (N,) have one. Raises StoreError where none has, or where they
    are NaN."""
    rows = np.flatnonzero(present)
    if len(rows) == 0:
        raise StoreError(
            "There is nothing to audit", cause="No image has an embedding.", fix="Index the data set first."
        )
    table = np.asarray(embeddings[rows], dtype=np.float32)
    length = np.linalg.norm(table, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        raise StoreError(
            "Stored embeddings are not numbers",
            cause=f"{int((~np.isfinite(length)).sum())} rows hold NaN or infinity.",
            fix="Index the data set again.",
        )
    unit = table / np.maximum(length, np.finfo(np.float32).tiny)
    return Features(rows, unit, _reduced(unit))


def _reduced(unit: Floats) -> Floats:
    width = min(WIDTH, *unit.shape)
    sample = np.random.default_rng(0).permutation(len(unit))[:SAMPLE]
    found = PCA(width, svd_solver="randomized", random_state=0).fit(unit[sample]).transform(unit)
    scale = float(np.sqrt((found**2).mean()))
    return np.asarray(found / max(scale, 1e-12), dtype=np.float32)
