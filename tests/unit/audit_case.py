"""A data set with planted defects: features drawn from a class, object and image part; thumbnails drawn by
hand."""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageEnhance

from core.data.dataset import Dataset
from tests.unit.evaluation_case import small_dataset

CLASSES = tuple(f"kind {k}" for k in range(5))
COLOURS = ("amber", "blue", "green", "red")
PER_OBJECT, OBJECTS = 5, 60


def planted(seed: int = 0) -> tuple[Dataset, np.ndarray, dict[str, list[int]]]:
    """Data set, embeddings (300, 64) and where the defects are: wrong labels of kind, objects in two splits.

    `kind` and `colour` follow the embeddings; `mood` is drawn per object without looking.
    """
    random = np.random.default_rng(seed)
    n = PER_OBJECT * OBJECTS
    objects = np.repeat(np.arange(OBJECTS), PER_OBJECT)
    kind, colour = np.arange(OBJECTS) % len(CLASSES), random.integers(0, len(COLOURS), OBJECTS)
    mood = random.integers(0, 2, OBJECTS)
    centres, tints = random.normal(size=(len(CLASSES), 64)), random.normal(size=(len(COLOURS), 64))
    embeddings = (
        2 * centres[kind[objects]]
        + 1.5 * tints[colour[objects]]
        + 0.7 * random.normal(size=(OBJECTS, 64))[objects]
        + 0.7 * random.normal(size=(n, 64))
    ).astype(np.float32)
    given = kind[objects].copy()
    wrong = random.choice(n, 10, replace=False)
    given[wrong] = (given[wrong] + 1 + random.integers(0, 3, 10)) % len(CLASSES)
    splits = np.array(["train", "val", "test"])[np.minimum(np.arange(OBJECTS) // 5 % 12 // 8, 2)][objects]
    leaking = [0, 7]
    for thing in leaking:
        splits[np.flatnonzero(objects == thing)[0]] = (
            "val" if splits[objects == thing][0] == "train" else "train"
        )
    dataset = small_dataset(
        {
            "kind": (CLASSES, [CLASSES[k] for k in given]),
            "colour": (COLOURS, [COLOURS[k] for k in colour[objects]]),
            "mood": (("calm", "gay"), [("calm", "gay")[k] for k in mood[objects]]),
        },
        splits.tolist(),
        [f"thing {k:02d}" for k in objects],
    )
    return dataset, embeddings, {"wrong": wrong.tolist(), "leaking": leaking}


def picture(seed: int) -> Image.Image:
    """Blobs on a gradient, (96, 96), different for every seed."""
    random = np.random.default_rng(seed)
    rough = random.random((6, 6, 3)).astype(np.float32)
    image = Image.fromarray((rough * 255).astype(np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (96, 96, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return held.getvalue()


class Shelf:
    """Thumbnails by sha; row k of a small data set shows picture k unless told otherwise."""

    def __init__(self, dataset: Dataset) -> None:
        self.images = {sha: jpeg(picture(row)) for row, sha in enumerate(dataset.table["sha"])}
        self.shas = dataset.table["sha"].tolist()

    def put(self, row: int, image: Image.Image, quality: int = 90) -> None:
        self.images[self.shas[row]] = jpeg(image, quality)

    def __call__(self, shas: Iterable[str]) -> dict[str, bytes]:
        return {sha: self.images[sha] for sha in shas if sha in self.images}


def cropped(image: Image.Image, share: float = 0.04) -> Image.Image:
    edge = round(image.width * share)
    return image.crop((0, edge, image.width - edge, image.height)).resize(
        image.size, Image.Resampling.BICUBIC
    )


def brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.12)
