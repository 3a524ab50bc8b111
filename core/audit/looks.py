"""How each image looks, from its thumbnail: brightness, contrast, sharpness and a perceptual hash."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import laplace

from core.data.dataset import Dataset
from core.progress import Progress, silent

Thumbnails = Callable[[Iterable[str]], Mapping[str, bytes]]
"""JPEG bytes by image sha: `FeatureStore.thumbnails`."""
BLOCK = 512
HASH_SIDE = 32
SKETCH = 16
SIDE = 96
"""Side of the square on which sharpness is measured, in pixels."""


@dataclass(frozen=True, eq=False)
class Looks:
    """For each row (N,) of a data set: `brightness` (mean luma, 0 .. 1), `contrast` (standard deviation of
    the luma, 0 .. 0.5), `sharpness` (standard deviation of the Laplacian over the contrast), all float32 and
    NaN where there is no thumbnail; `hash` (N,) uint64, the perceptual hash (signs of the 64 lowest cosine
    coefficients about their median; Zauner 2010), 0 where there is none; `sketch` (N, 256) uint8, the luma at
    16 by 16 pixels; `seen` (N,) bool."""

    brightness: npt.NDArray[np.float32]
    contrast: npt.NDArray[np.float32]
    sharpness: npt.NDArray[np.float32]
    hash: npt.NDArray[np.uint64]
    sketch: npt.NDArray[np.uint8]
    seen: npt.NDArray[np.bool_]


def looks(dataset: Dataset, thumbnails: Thumbnails, *, progress: Progress = silent) -> Looks:
    """Look at every image's thumbnail once. Images without one are left out; the order is the data set's."""
    shas = dataset.table["sha"].astype(str).tolist()
    unique = list(dict.fromkeys(shas))
    found: dict[str, _Look] = {}
    for start in range(0, len(unique), BLOCK):
        progress(start, len(unique), "looking at images")
        some = thumbnails(unique[start : start + BLOCK])
        found.update((sha, _look(jpeg)) for sha, jpeg in some.items())
    table = [found.get(sha, UNSEEN) for sha in shas]
    return Looks(
        brightness=np.array([one.brightness for one in table], dtype=np.float32),
        contrast=np.array([one.contrast for one in table], dtype=np.float32),
        sharpness=np.array([one.sharpness for one in table], dtype=np.float32),
        hash=np.array([one.hash for one in table], dtype=np.uint64),
        sketch=np.array([one.sketch for one in table], dtype=np.uint8).reshape(len(table), SKETCH**2),
        seen=np.array([sha in found for sha in shas], dtype=bool),
    )


@dataclass(frozen=True, eq=False)
class _Look:
    brightness: float
    contrast: float
    sharpness: float
    hash: int
    sketch: npt.NDArray[np.uint8]


UNSEEN = _Look(np.nan, np.nan, np.nan, 0, np.zeros(SKETCH**2, dtype=np.uint8))


def grey(jpeg: bytes, side: int = SIDE) -> Image.Image:
    """An image in grey values, squeezed into a square of `side` pixels."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        image.draft("L", (side, side))
        return image.convert("L").resize((side, side), Image.Resampling.BILINEAR)


def _look(jpeg: bytes) -> _Look:
    picture = grey(jpeg)
    luma = np.asarray(picture, dtype=np.float32) / np.float32(255)
    contrast = float(luma.std())
    sketch = np.asarray(picture.resize((SKETCH, SKETCH), Image.Resampling.BOX), dtype=np.uint8).ravel()
    return _Look(
        brightness=float(luma.mean()),
        contrast=contrast,
        sharpness=float(laplace(luma).std()) / max(contrast, 1e-3),
        hash=perceptual_hash(picture),
        sketch=sketch,
    )


def perceptual_hash(picture: Image.Image) -> int:
    """64 bits that change little when a grey image is scaled, re-encoded or made brighter."""
    small = picture.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BOX)
    low = dctn(np.asarray(small, dtype=np.float32), norm="ortho")[:8, :8].ravel()
    return int(np.packbits(low > np.median(low[1:])).view(">u8")[0])


def hamming(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """How many of the 64 bits differ, elementwise."""
    return np.asarray(np.bitwise_count(one ^ other), dtype=np.int64)


def outliers_of(values: Sequence[float] | npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Robust z-scores: distance from the median in units of 1.4826 median absolute deviations; NaN stays
    NaN."""
    table = np.asarray(values, dtype=np.float64)
    if not np.isfinite(table).any():
        return np.full(len(table), np.nan)
    middle = np.nanmedian(table)
    spread = 1.4826 * np.nanmedian(np.abs(table - middle))
    return np.asarray((table - middle) / max(float(spread), 1e-9))
