"""Images are decoded whole, upright and bounded, from an allow-list of formats."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import decode_rgb, thumbnail_jpeg
from core.data.images import MAX_BYTES
from core.errors import ImageError
from tests.pictures import picture


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_formats_and_modes(form: str, mode: str) -> None:
    if (form, mode) == ("JPEG", "P"):
        pytest.skip("a JPEG has no palette")
    image = decode_rgb(encoded(Image.new("RGB", (9, 5), "white").convert(mode), form))
    assert (image.mode, image.size) == ("RGB", (9, 5))
    assert np.asarray(image).min() >= 250


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_lie_on_white(mode: str) -> None:
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0)).convert(mode)
    assert np.asarray(decode_rgb(encoded(clear, "PNG"))).min() == 255


def test_sixteen_bit_grey_is_scaled() -> None:
    grey = Image.fromarray(np.array([[0, 257, 32768, 65535]], dtype=np.uint16))
    assert np.asarray(decode_rgb(encoded(grey, "PNG")))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_images_are_turned_as_their_exif_says() -> None:
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6
    assert decode_rgb(encoded(image, "JPEG", exif=exif)).size == (2, 4)


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (3, 3), color) for color in ("white", "black")]
    assert (
        np.asarray(decode_rgb(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))).min()
        == 255
    )


def test_several_pictures_in_one_jpeg() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("white", "black")]
    data = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert np.asarray(decode_rgb(data)).min() >= 250


@pytest.mark.parametrize("form", ["PPM", "ICO", "TGA", "PCX"])
def test_other_formats_are_refused(form: str) -> None:
    with pytest.raises(ImageError, match="cannot be read") as caught:
        decode_rgb(encoded(Image.new("RGB", (16, 16)), form))
    assert "none of JPEG" in caught.value.cause


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.7])
def test_truncated_images_are_refused(form: str, part: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), form)
    path = tmp_path / "cut.img"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ImageError, match="cut.img"):
        decode_rgb(path)


@pytest.mark.parametrize("side", [9_000, 12_000, 14_000])
def test_bombs_are_refused_before_they_go_off(side: int) -> None:
    bomb = encoded(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(ImageError, match="too many pixels") as caught:
        decode_rgb(bomb)
    assert caught.value.cause and caught.value.fix


def test_the_limit_may_be_set() -> None:
    assert decode_rgb(picture(size=(8, 6)), max_pixels=48).size == (8, 6)
    with pytest.raises(ImageError, match="too many pixels"):
        decode_rgb(picture(size=(8, 6)), max_pixels=47)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(ImageError, match="too large"):
        decode_rgb(path)
    with pytest.raises(ImageError, match="cannot be opened"):
        decode_rgb(tmp_path / "none.png")


@settings(max_examples=60)
@given(st.data())
def test_damage_anywhere_is_an_image_error_or_an_image(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]))
    sound = bytearray(picture(7, size=(24, 24), form=form))
    for _ in range(data.draw(st.integers(1, 6))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode_rgb(bytes(sound)).mode == "RGB"
    except ImageError as error:
        assert error.title and error.cause and error.fix


def test_thumbnails_fit_and_are_never_enlarged() -> None:
    wide = Image.open(io.BytesIO(thumbnail_jpeg(Image.new("RGB", (400, 100)), 192)))
    assert (wide.format, wide.size) == ("JPEG", (192, 48))
    assert Image.open(io.BytesIO(thumbnail_jpeg(Image.new("RGB", (20, 10)), 192))).size == (20, 10)
