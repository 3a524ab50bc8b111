"""Photographs in test that are nearly photographs in train: a score on them measures memory."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.data.dataset import Dataset
from core.data.images import decode_rgb
from core.errors import ImageError
from core.files import atomic_write_json
from core.progress import Progress, silent

SIDE = 12
"""Images are compared as miniatures of SIDE x SIDE pixels in colour: blind to compression and small crops."""
NEAR = 5.0
"""Miniatures whose root mean square difference (0 - 255) is at most this count as near-duplicates."""
MAX_IMAGES = 50_000
DECODERS = 4
BLOCK = 512
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NearPair:
    """A test image and the train image that it nearly is; `difference` of their miniatures, 0 - 255."""

    test: int
    train: int
    difference: float


def near_duplicates(dataset: Dataset, cache: Path, progress: Progress = silent) -> tuple[NearPair, ...]:
    """For each test image with a near-duplicate in train: the nearest one. Rows of the data set's table.

    Byte-identical pairs are included. Empty where either split is, or above `MAX_IMAGES` images.
    """
    from scipy.spatial.distance import cdist

    if not {"train", "test"} <= set(dataset.splits) or len(dataset) > MAX_IMAGES:
        return ()
    train, test = (np.flatnonzero(dataset.split_mask(split)) for split in ("train", "test"))
    known = _miniatures(dataset, [*train, *test], cache, progress)
    learnt = np.stack([known[int(row)] for row in train])
    found = []
    for start in range(0, len(test), BLOCK):
        rows = test[start : start + BLOCK]
        apart = cdist(np.stack([known[int(row)] for row in rows]), learnt) / SIDE / np.sqrt(3)
        for row, nearest, value in zip(rows, apart.argmin(axis=1), apart.min(axis=1), strict=True):
            if value <= NEAR:
                found.append(NearPair(int(row), int(train[nearest]), float(value)))
    return tuple(found)


def miniature(image: Image.Image) -> Floats:
    """An RGB image squashed to (SIDE * SIDE * 3,) float32, 0 - 255."""
    small = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32).reshape(-1)


def _miniatures(dataset: Dataset, rows: Sequence[int], cache: Path, progress: Progress) -> dict[int, Floats]:
    """Miniatures by row; kept by image content between calls. A broken image is far from everything."""
    path = cache / "miniatures" / f"{dataset.fingerprint}.json"
    kept = _read(path)
    shas = dataset.table["sha"].astype(str).tolist()
    fresh = [int(row) for row in rows if shas[row] not in kept]

    def read(row: int) -> Floats:
        try:
            return miniature(decode_rgb(dataset.file(row)))
        except ImageError:
            return np.random.default_rng(row).uniform(0, 255, SIDE * SIDE * 3).astype(np.float32)

    with ThreadPoolExecutor(DECODERS, thread_name_prefix="miniature") as pool:
        for done, (row, value) in enumerate(zip(fresh, pool.map(read, fresh), strict=True)):
            progress(done, len(fresh), "looking for near-duplicates")
            kept[shas[row]] = value
    if fresh:
        atomic_write_json(path, {sha: _encode(value) for sha, value in kept.items()})
    return {int(row): kept[shas[row]] for row in rows}


def _encode(value: Floats) -> str:
    return base64.b64encode(value.round().astype(np.uint8).tobytes()).decode()


def _read(path: Path) -> dict[str, Floats]:
    """What an earlier call kept; nothing where the file is missing or damaged."""
    try:
        value = json.loads(path.read_bytes())
        found = {sha: np.frombuffer(base64.b64decode(text), dtype=np.uint8) for sha, text in value.items()}
    except (OSError, ValueError, TypeError, AttributeError, binascii.Error):
        return {}
    sound = all(array.shape == (SIDE * SIDE * 3,) for array in found.values())
    return {sha: array.astype(np.float32) for sha, array in found.items()} if sound else {}
