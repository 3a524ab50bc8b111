"""Decoded images of one size, kept in memory where they fit, so that an epoch does not decode them again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import torch
from torch import Tensor

from core.data.images import read_bytes
from core.errors import ImageError
from core.inference.preprocessing import decode_pixels, resize_and_crop
from core.models.card import Preprocessing
from core.progress import Progress, silent

MEMORY_SHARE = 0.25
"""Share of the free memory that decoded images may take."""
DECODERS = 4
Prepare = Callable[[Tensor], Tensor]


class ImageBank:
    """Images by row number, as uint8 (3, h, w), after `prepare`; those that fit into the budget are kept."""

    def __init__(self, files: Sequence[Path], prepare: Prepare, *, budget: int | None = None) -> None:
        self.files = files
        self.prepare = prepare
        self.budget = int(psutil.virtual_memory().available * MEMORY_SHARE) if budget is None else budget
        self.held = 0
        self._images: dict[int, Tensor] = {}

    def fill(self, rows: Iterable[int], progress: Progress = silent) -> dict[int, ImageError]:
        """Decode `rows` once, keep what fits, and give the broken ones with their errors."""
        wanted, broken = list(rows), {}
        with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
            for done, (row, image) in enumerate(zip(wanted, pool.map(self._try, wanted), strict=True)):
                progress(done, len(wanted), "decoding")
                if isinstance(image, ImageError):
                    broken[row] = image
                elif self.held + image.nbytes <= self.budget:
                    self._images[row] = image
                    self.held += image.nbytes
        return broken

    def batch(self, rows: Sequence[int]) -> list[Tensor]:
        """The images of `rows`, decoded now where they are not kept. Raises ImageError."""
        missing = [row for row in rows if row not in self._images]
        if not missing:
            return [self._images[row] for row in rows]
        with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
            fresh = dict(zip(missing, pool.map(self._decode, missing), strict=True))
        return [self._images[row] if row in self._images else fresh[row] for row in rows]

    def move_to(self, device: torch.device, budget: int) -> int:
        """Move kept images to `device`, as many as fit into `budget` bytes; how many bytes were moved.

        On a GPU an epoch then copies nothing: its batches are made where they are used.
        """
        moved = 0
        for row, image in self._images.items():
            if moved + image.nbytes > budget:
                break
            self._images[row] = image.to(device)
            moved += image.nbytes
        return moved

    def _decode(self, row: int) -> Tensor:
        return self.prepare(decode_pixels(read_bytes(self.files[row])))

    def _try(self, row: int) -> Tensor | ImageError:
        try:
            return self._decode(row)
        except ImageError as error:
            return error


def for_training(size: int, smallest_crop: float) -> Prepare:
    """Shrink so that the smallest random crop still has about `size` pixels a side; the aspect is kept."""
    shorter = round(size * min(1.5, 1 / math.sqrt(max(smallest_crop, 1e-3))))

    def prepare(pixels: Tensor) -> Tensor:
        height, width = int(pixels.shape[1]), int(pixels.shape[2])
        scale = shorter / min(height, width)
        if scale >= 1:
            return pixels
        target = (max(shorter, round(height * scale)), max(shorter, round(width * scale)))
        return torch.nn.functional.interpolate(pixels[None], size=target, mode="bilinear", antialias=True)[0]

    return prepare


def for_evaluation(preprocessing: Preprocessing) -> Prepare:
    """The checkpoint's own resize and crop, before normalisation."""

    def prepare(pixels: Tensor) -> Tensor:
        return torch.from_numpy(resize_and_crop(pixels, preprocessing).copy())

    return prepare
