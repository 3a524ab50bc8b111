"""Which images fix the ranges of an int8 network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.dataset import Dataset
from core.errors import InferenceError
from core.files import cache_key

IMAGES = 128
"""So many images calibrate: NNCF's figures move little beyond some hundred."""
_SCHEMA = "calibration-1"


@dataclass(frozen=True)
class Calibration:
    """Image files by which activations are measured before they are rounded to 8 bits.

    `split` is the split that they come from, "all" where the data set has no training images.
    """

    files: tuple[Path, ...]
    shas: tuple[str, ...]
    split: str

    @classmethod
    def of(cls, dataset: Dataset, most: int | None = None) -> Calibration:
        """At most `most` (default: `IMAGES`) training images, spread evenly over the data set; the same ones
        every time.

        Raises InferenceError where the data set is empty.
        """
        split = "train" if "train" in dataset.splits else "all"
        rows = np.flatnonzero(dataset.split_mask(split))
        if not len(rows):
            raise InferenceError(
                "int8 cannot be calibrated",
                cause=f"'{dataset.name}' has no images.",
                fix="Choose a data set with images.",
            )
        n = min(most or IMAGES, len(rows))
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, n).astype(np.int64))]
        shas = tuple(str(sha) for sha in dataset.table["sha"].iloc[chosen])
        return cls(tuple(dataset.file(int(row)) for row in chosen), shas, split)

    @property
    def key(self) -> str:
        """32 hexadecimal digits over the images' content, whatever they are called."""
        return cache_key(_SCHEMA, images=list(self.shas))
