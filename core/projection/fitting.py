"""Fitting a map: neighbours, layout of all images or of a sample, the rest placed, quality measured."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core.progress import Progress, silent
from core.projection.parameters import Method, Parameters
from core.projection.pca import components
from core.projection.placement import place, sample_rows
from core.projection.projection import Projection
from core.projection.quality import agreement, measure
from core.projection.space import Space
from core.projection.stages import stage

Floats = npt.NDArray[np.float32]
SAMPLES: dict[Method, int] = {"umap": 20_000, "tsne": 5_000}
"""Images that a layout is computed for; the rest is placed among them."""


def fit(
    found: Space,
    parameters: Parameters,
    *,
    key: str = "",
    stability: bool = False,
    progress: Progress = silent,
) -> Projection:
    """The map of the images in `found`. With `stability` it is laid out a second time with another seed.

    Raises Cancelled where `progress` does. PCA is exact on all images and takes no seed: it is always stable.
    """
    began = time.monotonic()
    layout = stage(progress, 0.0, 0.5 if stability else 0.9)
    coords, fitted, explained = _coordinates(found, parameters, layout)
    progress(900, 1000, "measuring the map")
    quality = measure(found.unit, coords)
    if stability:
        again = replace(parameters, seed=(parameters.seed + 1) % 2**31)
        other = _coordinates(found, again, stage(progress, 0.5, 0.95))[0]
        quality = replace(quality, stability=agreement(coords, other, quality.neighbours))
    progress(1000, 1000, "done")
    return Projection(
        found.spread(coords), parameters, key, quality, fitted, time.monotonic() - began, explained
    )


def _coordinates(
    found: Space, parameters: Parameters, progress: Progress
) -> tuple[Floats, int, tuple[float, ...]]:
    """Coordinates (M, d), how many images the layout was computed for, and what PCA's axes explain."""
    if parameters.method == "pca":
        parts = components(found, parameters.dimensions)
        return parts.place(found.unit), len(found), parts.explained
    chosen = sample_rows(len(found), SAMPLES[parameters.method], parameters.seed)
    whole = len(chosen) == len(found)
    layout = _layout(found.unit[chosen], parameters, stage(progress, 0.0, 1.0 if whole else 0.6))
    if whole:
        return layout, len(found), ()
    coords = np.empty((len(found), parameters.dimensions), dtype=np.float32)
    coords[chosen] = layout
    rest = np.setdiff1d(np.arange(len(found)), chosen, assume_unique=True)
    coords[rest] = place(found.unit[chosen], layout, found.unit[rest], progress=stage(progress, 0.6, 1.0))
    return coords, len(chosen), ()


def _layout(unit: Floats, parameters: Parameters, progress: Progress) -> Floats:
    if parameters.method == "umap":
        from core.projection.umap import umap_layout

        return umap_layout(unit, parameters, progress)
    from core.projection.tsne import tsne_layout

    return tsne_layout(unit, parameters, progress)
