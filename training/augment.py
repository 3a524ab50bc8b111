"""Random changes of training images, by torchvision v2; the report's list in the report's order.

What happens to an image is a function of its own seed, so that a resumed run and a precomputed teacher see
the very same picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2

from core.models.card import Preprocessing
from training.recipe import Augmentation


def build_augmentation(recipe: Augmentation, size: int) -> v2.Transform:
    """Image (3, h, w) uint8 -> (3, size, size) uint8. What is turned in, shifted in or erased is black."""
    smooth = v2.InterpolationMode.BILINEAR
    steps: list[v2.Transform] = [v2.RandomResizedCrop(size, scale=recipe.crop_scale, antialias=True)]
    if recipe.flip:
        steps.append(v2.RandomHorizontalFlip(recipe.flip))
    if recipe.rotation:
        steps.append(v2.RandomRotation(recipe.rotation, interpolation=smooth))
    if recipe.brightness or recipe.contrast or recipe.saturation or recipe.hue:
        steps.append(v2.ColorJitter(recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue))
    if recipe.translate:
        steps.append(v2.RandomAffine(0, translate=(recipe.translate, recipe.translate), interpolation=smooth))
    if recipe.erase:
        steps.append(v2.RandomErasing(recipe.erase, scale=recipe.erase_scale))
    return v2.Compose(steps)


class Augmenter:
    """Training inputs from decoded images."""

    def __init__(self, recipe: Augmentation, size: int, preprocessing: Preprocessing) -> None:
        self._transform = build_augmentation(recipe, size)
        self._normalise = Normaliser(preprocessing)

    def __call__(self, images: Sequence[Tensor], seeds: Sequence[int]) -> Tensor:
        """Normalised inputs (B, 3, size, size) float32 of images (3, h, w) uint8, one seed each."""
        return self._normalise(torch.stack(self.pixels(images, seeds)))

    def pixels(self, images: Sequence[Tensor], seeds: Sequence[int]) -> list[Tensor]:
        """The changed images before normalisation, uint8 (3, size, size) each."""
        # One picture is too little work to share between threads: waiting for each other costs more.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return [self._one(image, seed) for image, seed in zip(images, seeds, strict=True)]
        finally:
            torch.set_num_threads(threads)

    def _one(self, image: Tensor, seed: int) -> Tensor:
        torch.default_generator.manual_seed(seed)
        changed: Tensor = self._transform(image)
        return changed


class Normaliser:
    """(x / 255 - mean) / std per channel, as `core.inference.normalise` does, for batches of tensors."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
        self._scale = 1 / (255 * std)
        self._shift = torch.tensor(preprocessing.mean).view(1, 3, 1, 1) / std

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> float32, on the pixels' device."""
        scale, shift = self._scale.to(pixels.device), self._shift.to(pixels.device)
        return pixels.float().mul_(scale).sub_(shift)


def stable_seed(*parts: object) -> int:
    """A seed that is a function of `parts` on every machine, 0 .. 2^63 - 1."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
