"""Image search by cosine: exact by a matrix product, by an approximate index when there are many images.

Up to `EXACT_ROWS` rows one matrix product answers in a few milliseconds and is always right. Beyond, an index
of cells (`cells.py`) finds the candidates, unless a filter leaves so few rows that comparing all is quicker.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.progress import Progress, silent
from core.retrieval.cells import BLOCK, Cells, open_cells, read_cells
from core.retrieval.probabilities import Floats
from core.retrieval.ranking import best

EXACT_ROWS = 200_000
FEW_ROWS = 20_000
"""Rows left by a filter that are all compared where there is an index: it would visit most cells."""


class Vectors:
    """Unit vectors of N images, searchable by direction. Rows with NaN or without length are never found."""

    def __init__(
        self,
        embeddings: npt.NDArray[Any],
        *,
        exact_rows: int | None = None,
        path: Path | None = None,
        build: bool = True,
        progress: Progress = silent,
    ) -> None:
        """`path`: where the index is kept; `build`: make it where it is not there. Raises Cancelled."""
        self.dimension = int(embeddings.shape[1])
        self._unit = unit_rows(embeddings)
        self.usable: npt.NDArray[np.bool_] = np.isfinite(self._unit[:, 0])
        self._unit[~self.usable] = 0.0
        self._unit.flags.writeable = False
        self._cells: Cells | None = None
        many = len(embeddings) > (EXACT_ROWS if exact_rows is None else exact_rows)
        if many and build:
            self._cells = open_cells(self._unit, self.usable, path, progress)
        elif many:
            self._cells = read_cells(self._unit, self.usable, path)
        self.unindexed = many and self._cells is None
        """Whether there are so many rows that an index would pay, and it is not there."""

    def __len__(self) -> int:
        return len(self._unit)

    @property
    def approximate(self) -> bool:
        """Whether searches go through the approximate index unless exact ones are asked for."""
        return self._cells is not None

    @property
    def recall(self) -> float:
        """recall@20 of the approximate index, measured when it was built; 1.0 where every search is exact."""
        return 1.0 if self._cells is None else self._cells.recall

    @property
    def matrix(self) -> Floats:
        """The unit vectors (N, D) float32, zero where there is none: read-only."""
        return self._unit

    def of(self, row: int) -> Floats:
        """The unit vector (D,) float32 of one row. Raises SelectionError where it has none."""
        return self.query(np.where(self.usable[row], self._unit[row], np.float32(np.nan)))

    def query(self, vector: npt.ArrayLike) -> Floats:
        """`vector` (D,) at length 1, float32. Raises SelectionError: wrong size, not finite, or zero."""
        found = np.asarray(vector, dtype=np.float32)
        length = float(np.linalg.norm(found)) if found.shape == (self.dimension,) else math.nan
        if not math.isfinite(length) or length == 0:
            raise SelectionError(
                "This image has no usable embedding",
                cause=f"Its vector has shape {found.shape}; {self.dimension} finite numbers are needed.",
                fix="Index the data set with this checkpoint, or choose another image.",
            )
        return np.asarray(found / np.float32(length), dtype=np.float32)

    def cosines(self, query: npt.ArrayLike, rows: npt.NDArray[np.int64] | None = None) -> Floats:
        """Exact cosines float32 of all rows (N,), or of `rows` (M,), with the query; -inf where there is no
        vector."""
        unit = self.query(query)
        if rows is None:
            found = np.asarray(self._unit @ unit, dtype=np.float32)
            found[~self.usable] = -np.inf
            return found
        return np.where(self.usable[rows], self._unit[rows] @ unit, np.float32(-np.inf))

    def search(
        self,
        query: npt.ArrayLike,
        k: int,
        *,
        keep: npt.NDArray[np.bool_] | None = None,
        exact: bool = False,
    ) -> tuple[npt.NDArray[np.int64], Floats]:
        """The `k` rows nearest to `query` (D,) and their cosines, nearest first; fewer where fewer exist.

        `keep` (N,) bool limits the rows. An approximate search that comes back short is repeated exactly.
        """
        unit = self.query(query)
        if self._cells is not None and not exact:
            left = len(self) if keep is None else int(np.count_nonzero(keep))
            few = keep is not None and left <= FEW_ROWS
            near = np.flatnonzero(keep) if keep is not None and few else self._cells.near(unit, k, keep)
            if few or len(near) >= min(k, left):
                cosines = self.cosines(unit, near)
                order = best(cosines, k)
                return near[order], cosines[order]
        cosines = self.cosines(unit)
        rows = best(cosines, k, keep)
        return rows, cosines[rows]


def unit_rows(embeddings: npt.NDArray[Any]) -> Floats:
    """(N, D) float32 of length 1, NaN where there is no direction."""
    found = np.empty(embeddings.shape, dtype=np.float32)
    for start in range(0, len(found), BLOCK):
        block = np.asarray(embeddings[start : start + BLOCK], dtype=np.float32)
        length = np.sqrt(np.einsum("ij,ij->i", block, block))
        safe = np.where((length > 0) & np.isfinite(length), length, np.float32(np.nan))
        found[start : start + BLOCK] = block / safe[:, None]
    return found
