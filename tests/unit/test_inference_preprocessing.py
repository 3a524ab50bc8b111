from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import v2 as transforms

from core.data.images import decode_rgb
from core.errors import ImageError
from core.inference import preprocess
from core.inference.preprocessing import decode_pixels
from core.models import BACKBONES, Preprocessing
from core.models.preprocessing import backbone_preprocessing

PLAIN = Preprocessing(size=224, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), crop_pct=0.875)


def _photograph(width: int, height: int, mode: str = "RGB") -> Image.Image:
    generator = np.random.default_rng(width * height)
    coarse = generator.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def _encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("size", [(96, 96), (640, 480), (123, 301)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_fast_decoder_gives_pillows_pixels(size: tuple[int, int], subsampling: int) -> None:
    data = _encoded(_photograph(*size), quality=85, subsampling=subsampling)
    expected = np.asarray(decode_rgb(data)).transpose(2, 0, 1)
    assert np.array_equal(decode_pixels(data).numpy(), expected)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP"])
def test_other_formats_give_what_decode_rgb_gives(form: str) -> None:
    data = _encoded(_photograph(40, 30), form)
    assert np.array_equal(decode_pixels(data).numpy(), np.asarray(decode_rgb(data)).transpose(2, 0, 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_exif_data_says(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _encoded(_photograph(64, 32), exif=exif)
    upright = np.asarray(decode_rgb(data)).transpose(2, 0, 1)
    assert np.array_equal(decode_pixels(data).numpy(), upright)
    assert upright.shape == ((3, 32, 64) if orientation < 5 else (3, 64, 32))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_jpegs_give_what_decode_rgb_gives(mode: str) -> None:
    data = _encoded(_photograph(40, 30, mode))
    assert np.array_equal(decode_pixels(data).numpy(), np.asarray(decode_rgb(data)).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [(96, 96), (640, 480), (200, 333)])
@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_it_is_timms_evaluation_transform(size: tuple[int, int], backbone: str) -> None:
    preprocessing = backbone_preprocessing(backbone)
    image = _photograph(*size)
    side = int(preprocessing.size / preprocessing.crop_pct)
    reference = transforms.Compose(
        [
            transforms.Resize(side, interpolation=InterpolationMode.BICUBIC, antialias=True),
            transforms.CenterCrop(preprocessing.size),
            transforms.PILToTensor(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize(preprocessing.mean, preprocessing.std),
        ]
    )(image)
    found = preprocess(image, preprocessing)
    assert found.shape == (3, preprocessing.size, preprocessing.size) and found.dtype == np.float32
    levels = np.abs(found - reference.numpy()) * np.array(preprocessing.std)[:, None, None] * 255
    assert (
        levels.max() < 3.01 and levels.mean() < 0.15
    )  # the two resizers round differently, by a level or two


def test_bytes_and_image_give_one_input() -> None:
    data = _encoded(_photograph(96, 96))
    assert np.array_equal(preprocess(data, PLAIN), preprocess(decode_rgb(data), PLAIN))


def test_values_are_normalised_by_mean_and_std() -> None:
    found = preprocess(Image.new("RGB", (50, 50), (255, 0, 128)), PLAIN)
    expected = (np.array([1, 0, 128 / 255]) - PLAIN.mean) / PLAIN.std
    np.testing.assert_allclose(found.mean(axis=(1, 2)), expected, rtol=1e-5)
    assert np.ptp(found, axis=(1, 2)).max() < 1e-5


def test_squash_keeps_the_edges_that_a_centre_crop_loses() -> None:
    image = Image.new("RGB", (300, 100), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 40, 100))
    squash = PLAIN.model_copy(update={"crop_mode": "squash", "crop_pct": 1.0})
    assert preprocess(image, squash)[0, 100, 5] > 2
    assert preprocess(image, PLAIN.model_copy(update={"crop_pct": 1.0}))[0, 100, 5] < -2


def test_whatever_the_shape_the_input_has_the_cards_size() -> None:
    for size in ((1, 1), (1, 500), (2000, 3), (224, 224)):
        assert preprocess(Image.new("RGB", size), PLAIN).shape == (3, 224, 224)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_truncated_images_are_errors(share: float) -> None:
    data = _encoded(_photograph(96, 96), quality=95)
    with pytest.raises(ImageError):
        preprocess(data[: int(share * len(data))], PLAIN)


def test_what_is_no_image_is_an_error() -> None:
    for data in (b"", b"\xff\xd8\xff", b"\xff\xd8\xff" + bytes(500), b"<svg/>"):
        with pytest.raises(ImageError):
            preprocess(data, PLAIN)
