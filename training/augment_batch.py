"""The same random changes as `augment`, a whole batch at a time on the images' device (for GPUs).

Each image's parameters are drawn by torchvision's own transforms, from the image's own seed and in their
order, so they are those that `augment` draws; then one kernel changes all images of the batch. Values are
rounded where torchvision rounds, so the pictures are the same but for the last bit of float arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional
from torchvision.transforms.v2.functional._color import _hsv_to_rgb, _rgb_to_hsv

from core.models.card import Preprocessing
from training.augment import Augmenter, Normaliser, build_augmentation
from training.recipe import Augmentation

WHITE = 255.0
COLOURS = ("brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")
"""In the order of the numbers that `ColorJitter` shuffles."""


@dataclass(frozen=True)
class Draw:
    """What happens to one image; None or False where a step is off or was not drawn."""

    crop: dict[str, int]
    flip: bool = False
    angle: float = 0.0
    colours: dict[str, Any] | None = None
    shift: tuple[int, int] = (0, 0)
    erased: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top, left, height, width."""


class BatchAugmenter:
    """Training inputs from decoded images, on `device`."""

    def __init__(
        self, recipe: Augmentation, size: int, preprocessing: Preprocessing, device: torch.device
    ) -> None:
        self._steps: list[Any] = list(build_augmentation(recipe, size).transforms)  # type: ignore[attr-defined]
        self._size = size
        self._device = device
        self._normalise = Normaliser(preprocessing)
        self._cropped = torch.empty((3, size, size), dtype=torch.uint8)
        middle = (size - 1) / 2
        line = torch.linspace(-middle, middle, size, device=device)
        y, x = torch.meshgrid(line, line, indexing="ij")
        self._grid = torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, size * size, 3)

    def __call__(self, images: Sequence[Tensor], seeds: Sequence[int]) -> Tensor:
        """Normalised inputs (B, 3, size, size) float32 of images (3, h, w) uint8, one seed each."""
        return self._normalise(self.pixels(images, seeds))

    def pixels(self, images: Sequence[Tensor], seeds: Sequence[int]) -> Tensor:
        """The changed images before normalisation: (B, 3, size, size) float32 of whole numbers 0 .. 255."""
        draws = [self.draw(image, seed) for image, seed in zip(images, seeds, strict=True)]
        found = torch.stack([self._crop(image, draw) for image, draw in zip(images, draws, strict=True)])
        found = found.float()  # (B, 3, S, S)
        if any(draw.flip for draw in draws):
            found = torch.where(self._column([draw.flip for draw in draws]), found.flip(-1), found)
        if any(draw.angle for draw in draws):
            found = self._moved(found, [_rotation(draw.angle) for draw in draws])
        if any(draw.colours for draw in draws):
            found = self._coloured(found, [draw.colours or {} for draw in draws])
        if any(draw.shift != (0, 0) for draw in draws):
            found = self._moved(
                found, [[1.0, 0.0, -draw.shift[0], 0.0, 1.0, -draw.shift[1]] for draw in draws]
            )
        if any(any(draw.erased) for draw in draws):
            found = self._erased(found, [draw.erased for draw in draws])
        return found

    def draw(self, image: Tensor, seed: int) -> Draw:
        """The parameters that the transforms draw for `image` from `seed`, each in its turn."""
        torch.default_generator.manual_seed(seed)
        found: dict[str, Any] = {}
        for step in self._steps:
            if isinstance(step, v2.RandomResizedCrop):
                found["crop"] = step.make_params([image])
            elif isinstance(step, v2.RandomHorizontalFlip):
                found["flip"] = bool(torch.rand(1) < step.p)
            elif isinstance(step, v2.RandomRotation):
                found["angle"] = step.make_params([self._cropped])["angle"]
            elif isinstance(step, v2.ColorJitter):
                found["colours"] = step.make_params([self._cropped])
            elif isinstance(step, v2.RandomAffine):
                found["shift"] = step.make_params([self._cropped])["translate"]
            elif isinstance(step, v2.RandomErasing) and bool(torch.rand(1) < step.p):
                drawn = step.make_params([self._cropped])
                if drawn["v"] is not None:
                    found["erased"] = (drawn["i"], drawn["j"], drawn["h"], drawn["w"])
        return Draw(**found)

    def _crop(self, image: Tensor, draw: Draw) -> Tensor:
        """Images differ in size, so this step alone goes one by one; the kernels run on the device."""
        here = image.to(self._device, non_blocking=True)
        size = [self._size, self._size]
        cropped: Tensor = functional.resized_crop(here, **draw.crop, size=size, antialias=True)
        return cropped

    def _moved(self, found: Tensor, matrices: Sequence[Sequence[float]]) -> Tensor:
        """Bilinear samples; output -> input positions are given as 2 x 3 matrices, pixels from the centre."""
        theta = torch.tensor(matrices).view(-1, 2, 3).to(self._device, non_blocking=True)
        grid = (self._grid @ theta.transpose(1, 2)) / (0.5 * self._size)
        grid = grid.view(len(found), self._size, self._size, 2)
        inside = torch.ones_like(found[:, :1])
        sampled = grid_sample(torch.cat([found, inside], dim=1), grid, mode="bilinear", align_corners=False)
        return (sampled[:, :3] * sampled[:, 3:]).round_()  # torchvision fades the edge by the mask once more

    def _coloured(self, found: Tensor, drawn: Sequence[dict[str, Any]]) -> Tensor:
        """ColorJitter: each image's four changes in its own order."""
        factors = torch.tensor([[d.get(name) or 0.0 for name in COLOURS] for d in drawn])
        factors = factors.to(self._device, non_blocking=True)
        for turn in range(len(COLOURS)):
            for number, name in enumerate(COLOURS):
                rows = [
                    r for r, d in enumerate(drawn) if d[name] is not None and int(d["fn_idx"][turn]) == number
                ]
                if rows:
                    at = torch.tensor(rows).to(self._device, non_blocking=True)
                    factor = factors[at, number].view(-1, 1, 1, 1)
                    found = found.index_copy(0, at, _CHANGES[number](found[at], factor))
        return found

    def _erased(self, found: Tensor, boxes: Sequence[tuple[int, int, int, int]]) -> Tensor:
        top, left, height, width = self._column(boxes).unbind(1)  # (B, 1, 1) each
        line = torch.arange(self._size, device=self._device)
        y, x = line.view(1, -1, 1), line.view(1, 1, -1)
        inside = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)
        return found.masked_fill(inside[:, None], 0.0)

    def _column(self, values: Sequence[Any]) -> Tensor:
        """One value, or one tuple of k values, per image: (B, k or 1, 1, 1) on the device."""
        return torch.tensor(values).to(self._device, non_blocking=True).view(len(values), -1, 1, 1)


def augmenter(
    recipe: Augmentation, size: int, preprocessing: Preprocessing, device: torch.device
) -> Augmenter | BatchAugmenter:
    """Batched on a GPU; image by image on a CPU, where it is quicker and keeps to one thread."""
    if device.type == "cuda":
        return BatchAugmenter(recipe, size, preprocessing, device)
    return Augmenter(recipe, size, preprocessing)


def _shift(right: int, down: int) -> list[float]:
    return [1.0, 0.0, float(-right), 0.0, 1.0, float(-down)]


def _rotation(degrees: float) -> list[float]:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [cosine, -sine, 0.0, sine, cosine, 0.0]


def _grey(x: Tensor) -> Tensor:
    red, green, blue = x.unbind(dim=-3)
    return (red * 0.2989 + green * 0.587 + blue * 0.114).floor_().unsqueeze(-3)


def _blend(x: Tensor, other: Tensor, share: Tensor) -> Tensor:
    return (x * share + other * (1 - share)).clamp_(0, WHITE).floor_()


def _brightness(x: Tensor, factor: Tensor) -> Tensor:
    return (x * factor).clamp_(0, WHITE).floor_()


def _contrast(x: Tensor, factor: Tensor) -> Tensor:
    return _blend(x, _grey(x).mean(dim=(-3, -2, -1), keepdim=True), factor)


def _saturation(x: Tensor, factor: Tensor) -> Tensor:
    return _blend(x, _grey(x), factor)


def _hue(x: Tensor, factor: Tensor) -> Tensor:
    hue, saturation, value = _rgb_to_hsv(x / WHITE).unbind(dim=-3)
    turned = (hue + factor[:, 0]).remainder_(1.0)
    rgb: Tensor = _hsv_to_rgb(torch.stack((turned, saturation, value), dim=-3))
    return (rgb * (WHITE + 1 - 1e-3)).floor_()  # as torchvision converts [0, 1] to bytes


_CHANGES = (_brightness, _contrast, _saturation, _hue)
