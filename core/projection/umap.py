"""UMAP (McInnes, Healy, Melville 2018) on exact neighbours; the only module that imports umap and numba."""

from __future__ import annotations

import re
import warnings

import numpy as np
import numpy.typing as npt

from core.progress import Progress, silent
from core.projection.neighbours import nearest_others
from core.projection.parameters import Parameters
from core.projection.stages import stage

Floats = npt.NDArray[np.float32]
_COUNT = re.compile(r"(\d+)/(\d+)")


class _Epochs:
    """A file for umap's own progress bar: what is written to it becomes a call of `progress`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> None:
        found = _COUNT.search(text)
        if found:
            self._progress(int(found[1]), int(found[2]), "laying out the map")

    def flush(self) -> None:
        """Nothing is held back."""


def umap_layout(unit: Floats, parameters: Parameters, progress: Progress = silent) -> Floats:
    """Coordinates (M, d) float32 of rows `unit` (M, D); the same seed gives the same map on one machine.

    Neighbours come from a matrix product instead of UMAP's own approximate search, and the layout starts
    from the principal components, which keeps the large shape stable between seeds.
    """
    progress(0, 100, "loading UMAP")
    from umap import UMAP  # numba: seconds to import, seconds more to compile

    k = min(parameters.neighbours, len(unit) - 1)
    index, distance = nearest_others(unit, k - 1, progress=stage(progress, 0.05, 0.35))
    own = np.arange(len(unit))[:, None]
    graph = np.hstack([own, index]), np.hstack([np.zeros_like(own, dtype=np.float32), distance])
    epochs = _Epochs(stage(progress, 0.4, 1.0))
    model = UMAP(
        n_components=parameters.dimensions,
        n_neighbors=k,
        min_dist=parameters.min_dist,
        metric="euclidean",
        init="pca",
        random_state=parameters.seed,
        n_jobs=1,  # a seed makes UMAP run on one thread anyway
        precomputed_knn=(*graph, None),
        tqdm_kwds={
            "disable": False,
            "file": epochs,
            "mininterval": 0.3,
            "bar_format": "{n_fmt}/{total_fmt}",
        },
    )
    progress(38, 100, "compiling UMAP")
    with warnings.catch_warnings():
        # new points are placed by `placement`, never by UMAP's transform, which would need the index
        warnings.filterwarnings("ignore", message=".*precomputed_knn\\[2\\]")
        return np.asarray(model.fit_transform(unit), dtype=np.float32)
