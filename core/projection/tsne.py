"""t-SNE (van der Maaten, Hinton 2008) by scikit-learn's Barnes-Hut implementation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.progress import Progress, silent
from core.projection.parameters import Parameters

Floats = npt.NDArray[np.float32]


def tsne_layout(unit: Floats, parameters: Parameters, progress: Progress = silent) -> Floats:
    """Coordinates (M, d) float32 of rows `unit` (M, D), starting from the principal components.

    It cannot tell how far it is; `perplexity` is cut to a third of the images, as t-SNE demands.
    """
    from sklearn.manifold import TSNE

    progress(1, 10, "t-SNE is laying out the map")
    model = TSNE(
        n_components=parameters.dimensions,
        perplexity=min(parameters.perplexity, (len(unit) - 1) / 3),
        init="pca",
        random_state=parameters.seed,
        n_jobs=2,
    )
    return np.asarray(model.fit_transform(unit), dtype=np.float32)
