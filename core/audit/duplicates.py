"""Near-duplicates: embeddings and perceptual hashes propose pairs, the pixels decide.

Embeddings find what looks alike and the hash what is alike in coarse pixels; both also propose pairs that are
merely similar. A proposed pair is a near-duplicate where one thumbnail, cropped by a few per cent on any
side, correlates with the other at 0.97 or more. Correlation does not see brightness or contrast. On 600
product photographs, copies that were re-encoded, cropped by 4 % or made 12 % brighter gave at least 0.99, the
most similar other pair 0.91.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.audit.looks import Looks, Thumbnails, grey, hamming
from core.audit.neighbours import Neighbours, directions
from core.data.dataset import Dataset
from core.progress import Progress, silent

SAME = 0.97
LIKE = 0.55
"""Cosine of centred features from which embeddings propose a pair."""
BITS = 10
"""Differing bits of 64 up to which hashes propose a pair."""
MOST_ALIKE = 20
"""Pairs that the hash proposes for one image: a heap of blank images is not compared each with each."""
WORTH_A_LOOK = 0.7
"""Correlation at 16 by 16 pixels below which a pair is not compared closely; after a crop of 4 % it was 0.80
or more."""
SIDE = 48
CROPS = (0.02, 0.04, 0.06, 0.08)
BLOCK = 64
Floats = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class NearDuplicate:
    """Rows `row` and `other`, `row` in the later split (train < val < test) or further down; `similarity` in
    [SAME, 1] is the correlation of their pixels, `exact` whether the files are byte-identical."""

    row: int
    other: int
    similarity: float
    exact: bool
    splits: tuple[str, str]

    @property
    def crosses(self) -> bool:
        """Whether the two lie in different splits."""
        return self.splits[0] != self.splits[1]


def near_duplicates(
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    found: Neighbours,
    looks: Looks,
    thumbnails: Thumbnails,
    *,
    progress: Progress = silent,
) -> tuple[NearDuplicate, ...]:
    """Every pair found, those across splits first, then the most similar. `rows` (M,) are those of
    `found`."""
    shas = dataset.table["sha"].astype(str).to_numpy(dtype=object)
    splits = dataset.table["split"].astype(str).to_numpy(dtype=object)
    pairs = _propose(rows, found, looks)
    exact = set(_identical(shas))
    similarity = dict(_compare(sorted(pairs - exact), shas, thumbnails, progress))
    similarity |= dict.fromkeys(exact, 1.0)
    alike = [
        _pair(one, other, value, (one, other) in exact, splits)
        for (one, other), value in similarity.items()
        if value >= SAME
    ]
    return tuple(sorted(alike, key=lambda pair: (not pair.crosses, -pair.similarity, pair.row)))


def _propose(rows: npt.NDArray[np.int64], found: Neighbours, looks: Looks) -> set[tuple[int, int]]:
    near = found.cosine >= LIKE
    one = np.repeat(rows, near.sum(axis=1))
    other = rows[found.index[near]]
    by_hash = np.array(list(_close_hashes(looks)), dtype=np.int64).reshape(-1, 2)
    both = np.vstack([np.stack([one, other], axis=1), by_hash])
    both = both[looks.seen[both].all(axis=1)]
    both = np.unique(np.sort(both, axis=1), axis=0)
    return {(int(one), int(other)) for one, other in both[_sketches_agree(looks, both)]}


def _sketches_agree(looks: Looks, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which pairs (P, 2) correlate enough at 16 by 16 pixels to be worth a closer look: (P,)."""
    table = looks.sketch.astype(np.float32)
    table -= table.mean(axis=1, keepdims=True)
    table = directions(table)
    return np.asarray((table[pairs[:, 0]] * table[pairs[:, 1]]).sum(axis=1) >= WORTH_A_LOOK)


def _close_hashes(looks: Looks) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose hashes differ in at most `BITS` bits; beyond 20,000 rows only equal hashes."""
    rows = np.flatnonzero(looks.seen)
    codes = looks.hash[rows]
    if len(rows) > 20_000:
        order = np.argsort(codes, kind="stable")
        same = np.flatnonzero(codes[order][1:] == codes[order][:-1])
        yield from zip(rows[order[same]], rows[order[same + 1]], strict=True)
        return
    for k in range(len(rows) - 1):
        near = np.flatnonzero(hamming(codes[k], codes[k + 1 :]) <= BITS)[:MOST_ALIKE]
        yield from ((int(rows[k]), int(rows[k + 1 + j])) for j in near)


def _identical(shas: Texts) -> Iterator[tuple[int, int]]:
    order = np.argsort(shas, kind="stable")
    same = np.flatnonzero(shas[order][1:] == shas[order][:-1])
    for k in same:
        one, other = sorted((int(order[k]), int(order[k + 1])))
        yield one, other


def _compare(
    pairs: list[tuple[int, int]], shas: Texts, thumbnails: Thumbnails, progress: Progress
) -> Iterator[tuple[tuple[int, int], float]]:
    """The best correlation over crops of either, for each pair."""
    for start in range(0, len(pairs), BLOCK):
        progress(start, len(pairs), "comparing look-alikes")
        some = pairs[start : start + BLOCK]
        images = thumbnails({str(shas[row]) for pair in some for row in pair})
        tables = {sha: _crops(jpeg) for sha, jpeg in images.items()}
        for one, other in some:
            a, b = tables.get(str(shas[one])), tables.get(str(shas[other]))
            if a is not None and b is not None:
                yield (one, other), float(min(1.0, max((a @ b[0]).max(), (b @ a[0]).max())))


def _crops(jpeg: bytes) -> Floats:
    """Grey values of the whole image (first row) and of its crops, each (SIDE * SIDE,) centred, of unit
    length."""
    picture = grey(jpeg, 2 * SIDE)
    boxes = [(0.0, 0.0, 0.0)] + [
        (share, across * share, down * share)
        for share in CROPS
        for across, down in product((0.0, 0.5, 1.0), repeat=2)
    ]
    table = np.stack([_cut(picture, *box) for box in boxes])
    table -= table.mean(axis=1, keepdims=True)
    return np.asarray(table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6))


def _cut(picture: Image.Image, share: float, x: float, y: float) -> Floats:
    """The part of a picture that starts at (x, y) and lacks `share` of each side (SIDE * SIDE,)."""
    side = picture.width
    box = (x * side, y * side, (x + 1 - share) * side, (y + 1 - share) * side)
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, dtype=np.float32).ravel()


def _pair(one: int, other: int, similarity: float, exact: bool, splits: Texts) -> NearDuplicate:
    place = {"train": 0, "val": 1, "test": 2}
    first, second = sorted((one, other), key=lambda row: (place.get(str(splits[row]), 3), row))
    return NearDuplicate(second, first, similarity, exact, (str(splits[second]), str(splits[first])))
