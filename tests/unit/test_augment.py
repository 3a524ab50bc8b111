"""Augmentation: a function of the image's own seed, in the report's ranges."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.io import write_png

from core.inference.preprocessing import normalise
from core.models.card import Preprocessing
from training.augment import Augmenter, Normaliser, build_augmentation, stable_seed
from training.augment_batch import BatchAugmenter, augmenter
from training.images import ImageBank, for_training
from training.recipe import Augmentation
from training.sampling import batch_count, epoch_batches

PREPROCESSING = Preprocessing(size=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
OFF = Augmentation(
    crop_scale=(1.0, 1.0),
    flip=0,
    rotation=0,
    brightness=0,
    contrast=0,
    saturation=0,
    hue=0,
    translate=0,
    erase=0,
)


def picture(height: int = 60, width: int = 80) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)


def test_one_seed_gives_one_picture_whatever_came_before() -> None:
    augment = Augmenter(Augmentation(), 32, PREPROCESSING)
    first = augment([picture(), picture()], [5, 6])
    torch.rand(7)
    again = augment([picture()], [6])
    assert torch.equal(first[1], again[0])
    assert not torch.equal(first[0], first[1])
    assert first.shape == (2, 3, 32, 32) and first.dtype == torch.float32


def test_the_steps_are_the_reports_in_the_reports_order() -> None:
    steps = [type(step).__name__ for step in build_augmentation(Augmentation(), 32).transforms]  # type: ignore[attr-defined]
    assert steps == [
        "RandomResizedCrop",
        "RandomHorizontalFlip",
        "RandomRotation",
        "ColorJitter",
        "RandomAffine",
        "RandomErasing",
    ]


def test_what_is_off_is_left_out() -> None:
    assert [type(s).__name__ for s in build_augmentation(OFF, 32).transforms] == ["RandomResizedCrop"]  # type: ignore[attr-defined]


def test_normalisation_is_that_of_inference() -> None:
    pixels = picture(32, 32)
    ours = Normaliser(PREPROCESSING)(pixels[None])[0].numpy()
    np.testing.assert_allclose(ours, normalise(pixels.numpy(), PREPROCESSING), atol=1e-6)


def test_images_are_kept_large_enough_for_the_smallest_crop() -> None:
    kept = for_training(32, 0.5)(picture(400, 600))
    assert min(kept.shape[1:]) == round(32 / 0.5**0.5)
    assert kept.shape[2] / kept.shape[1] == pytest.approx(1.5, rel=0.03)
    small = picture(20, 30)
    assert for_training(32, 0.8)(small) is small


def test_shuffle_shows_every_row_once_and_differs_by_epoch() -> None:
    rows = np.arange(100, 121, dtype=np.int64)
    codes = np.zeros(21, dtype=np.int32)
    first, second = (epoch_batches(rows, codes, "shuffle", 8, 0, epoch) for epoch in (0, 1))
    assert sorted(np.concatenate(first)) == list(rows)
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    assert len(first) == batch_count(21, 8) == 3
    again = epoch_batches(rows, codes, "shuffle", 8, 0, 0)
    assert np.array_equal(np.concatenate(first), np.concatenate(again))


def test_a_single_left_over_row_makes_no_batch() -> None:
    batches = epoch_batches(np.arange(17, dtype=np.int64), np.zeros(17, dtype=np.int32), "shuffle", 8, 0, 0)
    assert [len(batch) for batch in batches] == [8, 8]
    assert batch_count(17, 8) == 2


def test_balanced_draws_rare_labels_as_often_as_common_ones() -> None:
    codes = np.array([0] * 900 + [1] * 90 + [-1] * 10, dtype=np.int32)
    drawn = np.concatenate(epoch_batches(np.arange(1000, dtype=np.int64), codes, "balanced", 100, 3, 0))
    share = float((codes[drawn] == 1).mean())
    assert 0.44 < share < 0.56


def test_seeds_are_stable_across_machines() -> None:
    assert stable_seed("image", 0, 1, 2) == stable_seed("image", 0, 1, 2)
    assert stable_seed("image", 0, 1, 2) != stable_seed("image", 0, 12)
    assert 0 <= stable_seed("x") < 2**63


def photograph(seed: int, height: int, width: int) -> torch.Tensor:
    """A smooth picture: neighbouring pixels are alike, as in photographs."""
    coarse = torch.rand((1, 3, 8, 10), generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return (fine[0].clamp(0, 1) * 255).to(torch.uint8)


PHOTOGRAPHS = [photograph(number, 70 + number, 110 - number) for number in range(24)]
SEEDS = [1000 + number for number in range(24)]
STEPS: dict[str, dict[str, object]] = {
    "crop": {"crop_scale": (0.5, 1.0)},
    "flip": {"flip": 0.5},
    "rotation": {"rotation": 30.0},
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "saturation": {"saturation": 0.5},
    "hue": {"hue": 0.3},
    "translate": {"translate": 0.3},
    "erase": {"erase": 0.6},
    "the report's": Augmentation(erase=0.5).model_dump(),
}


def compare(step: str, device: str) -> None:
    """The same seeds give the same parameters, and so the same pictures; the last bit may round otherwise."""
    recipe = Augmentation(**{**OFF.model_dump(), **STEPS[step]})
    apart = torch.stack(Augmenter(recipe, 48, PREPROCESSING).pixels(PHOTOGRAPHS, SEEDS)).float()
    batch = BatchAugmenter(recipe, 48, PREPROCESSING, torch.device(device))
    together = batch.pixels(PHOTOGRAPHS, SEEDS).cpu()
    assert together.shape == apart.shape == (24, 3, 48, 48)
    off = (together - apart).abs()
    assert float((off > 0).float().mean()) < 0.001 and float((off > 1).float().mean()) < 0.0001
    assert torch.equal(together, together.round()) and together.min() >= 0 and together.max() <= 255


@pytest.mark.parametrize("step", STEPS)
def test_a_batch_is_changed_as_its_images_one_by_one(step: str) -> None:
    compare(step, "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
def test_a_batch_on_a_gpu_is_changed_as_its_images_one_by_one() -> None:
    compare("the report's", "cuda")


def test_a_batch_draws_what_the_transforms_draw_in_the_reports_ranges() -> None:
    recipe = Augmentation()
    batch = BatchAugmenter(recipe, 48, PREPROCESSING, torch.device("cpu"))
    draws = [batch.draw(PHOTOGRAPHS[0], seed) for seed in range(2000)]
    angles = np.array([draw.angle for draw in draws])
    assert abs(angles).max() <= 15 and angles.std() == pytest.approx(30 / 12**0.5, rel=0.05)
    assert np.mean([draw.flip for draw in draws]) == pytest.approx(0.5, abs=0.04)
    areas = [draw.crop["height"] * draw.crop["width"] / (70 * 110) for draw in draws]
    assert min(areas) > 0.78 and max(areas) <= 1
    erased = [draw.erased for draw in draws if any(draw.erased)]
    assert len(erased) / 2000 == pytest.approx(0.1, abs=0.025)
    shares = [height * width / 48**2 for _, _, height, width in erased]
    assert min(shares) > 0.01 and max(shares) < 0.35
    hues = [(draw.colours or {})["hue_factor"] for draw in draws]
    assert -0.1 <= min(hues) < -0.09 and 0.09 < max(hues) <= 0.1
    assert {tuple((draw.colours or {})["fn_idx"].tolist()) for draw in draws[:400]} == set(
        permutations(range(4))
    )


def test_what_a_batch_gives_does_not_depend_on_its_other_images() -> None:
    batch = BatchAugmenter(Augmentation(erase=0.5), 48, PREPROCESSING, torch.device("cpu"))
    whole = batch(PHOTOGRAPHS, SEEDS)
    torch.rand(5)
    part = batch(PHOTOGRAPHS[6:9], SEEDS[6:9])
    torch.testing.assert_close(part, whole[6:9], rtol=0, atol=0.02)


def test_images_that_fit_move_to_the_device(tmp_path: Path) -> None:
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.png")
        write_png(PHOTOGRAPHS[0], str(files[-1]))
    bank = ImageBank(files, lambda pixels: pixels)
    bank.fill(range(4))
    one = PHOTOGRAPHS[0].nbytes
    assert bank.move_to(torch.device("meta"), 2 * one + 1) == 2 * one
    assert [image.device.type for image in bank.batch(range(4))] == ["meta", "meta", "cpu", "cpu"]


def test_the_batch_way_is_taken_on_a_gpu_only() -> None:
    for device, kind in (("cpu", Augmenter), ("cuda", BatchAugmenter)):
        if device == "cuda" and not torch.cuda.is_available():
            continue
        assert type(augmenter(Augmentation(), 48, PREPROCESSING, torch.device(device))) is kind
