"""Principal components: the straight map, what each axis explains and what lies at its ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.projection.space import Space

Floats = npt.NDArray[np.float32]
BLOCK = 65_536


@dataclass(frozen=True, eq=False)
class Components:
    """`mean` (D,), `axes` (d, D) of unit length, `explained` (d,) shares of the variance, falling."""

    mean: Floats
    axes: Floats
    explained: tuple[float, ...]

    def place(self, unit: Floats) -> Floats:
        """Coordinates (M, d) float32 of rows `unit` (M, D)."""
        return np.asarray((unit - self.mean) @ self.axes.T, dtype=np.float32)


@dataclass(frozen=True)
class Axis:
    """One axis: its share of the variance and the rows of the data set that point most along and against
    it."""

    number: int
    explained: float
    low: tuple[int, ...]
    high: tuple[int, ...]


def components(found: Space, dimensions: int) -> Components:
    """The first `dimensions` principal components, exactly, by the eigenvectors of the covariance (D, D).

    Signs are fixed (the largest entry of an axis is positive), so the map does not flip between runs.
    """
    from sklearn.decomposition import PCA

    model = PCA(min(dimensions, *found.unit.shape), svd_solver="covariance_eigh").fit(found.unit)
    axes = np.asarray(model.components_, dtype=np.float32)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    explained = np.nan_to_num(model.explained_variance_ratio_, nan=0.0)
    return Components(
        np.asarray(model.mean_, dtype=np.float32),
        axes * signs[:, None],
        tuple(float(share) for share in explained),
    )


def axes(found: Space, parts: Components, images: int = 4) -> tuple[Axis, ...]:
    """For each axis the `images` whose centred embeddings point most nearly along it, and against it.

    Direction rather than length: an image at the rim that is far from everything says little about an axis.
    """
    cosine = np.empty((len(found), len(parts.axes)), dtype=np.float32)
    for start in range(0, len(found), BLOCK):
        centred = found.unit[start : start + BLOCK] - parts.mean
        length = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        cosine[start : start + BLOCK] = (centred / length) @ parts.axes.T
    order = np.argsort(cosine, axis=0, kind="stable")
    return tuple(
        Axis(
            number + 1,
            parts.explained[number],
            tuple(int(row) for row in found.rows[order[:images, number]]),
            tuple(int(row) for row in found.rows[order[::-1][:images, number]]),
        )
        for number in range(len(parts.axes))
    )
