"""An approximate index of directions: vectors are sorted into cells, and a query visits only the nearest.

IVF-Flat (Sivic & Zisserman 2003) by faiss (Johnson, Douze & Jégou 2017). How many cells a query visits is
measured on the data when the index is built, so that recall@20 reaches `RECALL`, and kept beside the index.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.files import atomic_path, atomic_write_json
from core.progress import Progress, silent

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

RECALL = 0.995
"""recall@20 that the number of visited cells is chosen for, on rows of the data; 0.99 is promised."""
PROBES = (4, 8, 16, 32, 64, 128, 256, 512)
TRIALS = 200
DEPTH = 20
BLOCK = 65_536
TRAIN_PER_CELL = 48


@dataclass(frozen=True, eq=False)
class Cells:
    """The index over the usable rows of unit vectors (N, D)."""

    index: Any
    rows: Rows
    """The row of every vector in the index."""
    probes: int
    """Cells that a query visits."""
    recall: float
    """recall@20 against exact search, measured when the index was built."""

    def near(self, unit: Floats, k: int, keep: npt.NDArray[np.bool_] | None = None) -> Rows:
        """About the `k` rows (of `keep` (N,) bool) nearest to `unit` (D,), in no order; fewer where the
        visited cells hold fewer. A filter that keeps a tenth of the rows makes it visit ten times the cells.
        """
        probes, chosen = self.probes, None
        if keep is not None:
            kept = keep if len(keep) == len(self.rows) else keep[self.rows]
            share = np.count_nonzero(kept) / max(len(kept), 1)
            probes = min(self.index.nlist, math.ceil(probes / share)) if share else 1
            chosen = np.packbits(kept, bitorder="little")
        _, found = self.index.search(unit[None], k, params=_visiting(probes, chosen))
        return np.asarray(self.rows[found[0][found[0] >= 0]], dtype=np.int64)


def read_cells(unit: Floats, usable: npt.NDArray[np.bool_], path: Path | None) -> Cells | None:
    """The index over the usable rows (N,) bool of `unit` (N, D) that lies at `path`; None where none fits."""
    return None if path is None else _read(path, np.flatnonzero(usable).astype(np.int64), unit.shape[1])


def open_cells(
    unit: Floats, usable: npt.NDArray[np.bool_], path: Path | None, progress: Progress = silent
) -> Cells:
    """The index over the usable rows (N,) bool of `unit` (N, D), whose others are zero; read from `path`
    where it lies there whole, else built and written. Raises Cancelled."""
    found = read_cells(unit, usable, path)
    if found is not None:
        return found
    rows = np.flatnonzero(usable).astype(np.int64)
    index = _build(unit, rows, progress)
    progress(len(rows), len(rows), "measuring its recall")
    recall, probes = _calibrate(index, unit, rows)
    if path is not None:
        import faiss

        with atomic_path(path) as temporary:
            faiss.write_index(index, str(temporary))
        atomic_write_json(_facts(path), {"vectors": len(rows), "probes": probes, "recall": recall})
    return Cells(index, rows, probes, recall)


def _read(path: Path, rows: Rows, dimension: int) -> Cells | None:
    """What was kept, or None: nothing is there, it is damaged, or it is of other vectors."""
    import faiss

    try:
        facts = json.loads(_facts(path).read_text("utf-8"))
        index: Any = faiss.read_index(str(path))
        found = Cells(index, rows, int(facts["probes"]), float(facts["recall"]))
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None  # what can be rebuilt is rebuilt
    fits = index.ntotal == len(rows) == facts.get("vectors") and index.d == dimension
    return found if fits and 0 < found.probes <= index.nlist else None


def _facts(path: Path) -> Path:
    return path.with_suffix(".json")


def _build(unit: Floats, rows: Rows, progress: Progress) -> Any:
    import faiss

    cells = max(1, int(2 * math.sqrt(len(rows))))
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(unit.shape[1]), unit.shape[1], cells, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, TRAIN_PER_CELL
    index.cp.niter, index.cp.seed = 8, 1
    sample = np.random.default_rng(0).permutation(len(rows))[: cells * TRAIN_PER_CELL]
    progress(0, len(rows), "finding cells")
    index.train(unit[rows[sample]])
    for start in range(0, len(rows), BLOCK):
        progress(start, len(rows), "sorting images into cells")
        index.add(unit[rows[start : start + BLOCK]])
    return index


def _calibrate(index: Any, unit: Floats, rows: Rows) -> tuple[float, int]:
    """recall@20 and the fewest visited cells that reach `RECALL`, measured on rows of the data."""
    import faiss

    chosen = rows[np.random.default_rng(1).choice(len(rows), min(TRIALS, len(rows)), replace=False)]
    # rows without a direction are zero; one among the nearest could only lower the figure
    truth = faiss.knn(unit[chosen], unit, DEPTH, metric=faiss.METRIC_INNER_PRODUCT)[1]
    recall, probes = 0.0, index.nlist
    for probes in (*(p for p in PROBES if p < index.nlist), index.nlist):
        _, found = index.search(unit[chosen], DEPTH, params=_visiting(probes))
        kept = [len(np.intersect1d(a, rows[b])) / DEPTH for a, b in zip(truth, found, strict=True)]
        recall = float(np.mean(kept))
        if recall >= RECALL:
            break
    return recall, probes


def _visiting(cells: int, chosen: npt.NDArray[np.uint8] | None = None) -> Any:
    import faiss

    limits: Any = faiss.SearchParametersIVF
    if chosen is None:
        return limits(nprobe=cells)
    bitmap: Any = faiss.IDSelectorBitmap
    return limits(nprobe=cells, sel=bitmap(chosen))
