"""Maps of feature space: PCA, UMAP and t-SNE of embeddings, and how far each may be trusted.

Importing this package imports neither umap nor numba; `fit` does, where UMAP is asked for.
"""

from core.projection.alignment import Alignment, align
from core.projection.clusters import Clusters, clusters
from core.projection.fitting import fit
from core.projection.overlap import Mix, Overlap, overlap
from core.projection.parameters import Method, Parameters
from core.projection.pca import Axis, Components, axes, components
from core.projection.pins import Spot, middle, place_embedding
from core.projection.presets import PRESETS, Preset
from core.projection.projection import Projection
from core.projection.quality import Quality
from core.projection.separation import ClassSeparation, Separation, separation
from core.projection.shelf import Shelf, projection_key
from core.projection.space import Space, space

__all__ = [
    "PRESETS",
    "Alignment",
    "Axis",
    "ClassSeparation",
    "Clusters",
    "Components",
    "Method",
    "Mix",
    "Overlap",
    "Parameters",
    "Preset",
    "Projection",
    "Quality",
    "Separation",
    "Shelf",
    "Space",
    "Spot",
    "align",
    "axes",
    "clusters",
    "components",
    "fit",
    "middle",
    "overlap",
    "place_embedding",
    "projection_key",
    "separation",
    "space",
]
