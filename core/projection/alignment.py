"""Two maps of the same images laid over each other: turned, mirrored, shifted and scaled, never bent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Alignment:
    """`first` and `second` (N, d) float32 in one common frame, NaN where either map has no place.

    `disparity` in [0, 1] is what remains of the sum of squares after the best fit: 0 = the same shape.
    """

    first: Floats
    second: Floats
    disparity: float


def align(first: Floats, second: Floats) -> Alignment:
    """Procrustes analysis (`scipy.spatial.procrustes`) of two maps (N, d) of the same rows.

    Raises SelectionError where fewer than 3 rows have a place on both, or the maps differ in dimensions.
    """
    from scipy.spatial import procrustes

    if first.shape != second.shape:
        raise SelectionError(
            "These two maps cannot be laid over each other",
            cause=f"They have the shapes {first.shape} and {second.shape}.",
            fix="Choose the same number of dimensions for both.",
        )
    both = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    if both.sum() < 3 or any(not np.ptp(table[both]) for table in (first, second)):
        raise SelectionError(
            "These two maps have too little in common",
            cause=f"{int(both.sum())} images have a place on both; 3 different places are needed.",
            fix="Index the data set with both checkpoints.",
        )
    one, two, disparity = procrustes(first[both].astype(np.float64), second[both].astype(np.float64))
    found = [np.full(first.shape, np.nan, dtype=np.float32) for _ in range(2)]
    for table, values in zip(found, (one, two), strict=True):
        table[both] = values
    return Alignment(found[0], found[1], float(disparity))
