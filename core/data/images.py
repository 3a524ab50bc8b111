"""Images from files and uploads: decoded from an allow-list, bounded, upright and in RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from core.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""The decoders that may run (a JPEG that holds several pictures, MPO, counts as JPEG)."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""File name endings, in lower case, that count as an image where no table lists the files."""

MAX_PIXELS = 64_000_000
"""Larger pictures are refused before a pixel is decoded (64 megapixels, about 200 MB as RGB)."""

ORIENTATION = ExifTags.Base.Orientation

MAX_BYTES = 128 * 1024 * 1024
"""Larger files are refused before they are read."""

# Pillow only warns between its limit and twice its limit; here a bomb is an error from the first pixel on.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def decode_rgb(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode the whole image of `source` (a file or a file's bytes): RGB, 8 bits, turned as its EXIF says.

    Transparent pixels are laid on white; of an animation the first frame is taken; 16-bit grey is scaled.
    Raises ImageError, with the file's name where there is one, when the image is missing, truncated, of a
    format outside `FORMATS`, or larger than `max_pixels` or `MAX_BYTES`.
    """
    name = source.name if isinstance(source, Path) else "The image"
    data = read_bytes(source) if isinstance(source, Path) else source
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(image, name, max_pixels)
            return _rgb(image)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bomb(name, str(error)) from error
    except (
        Exception
    ) as error:  # damaged files make Pillow raise almost anything, from struct.error to KeyError
        raise ImageError(
            f"{name} cannot be read as an image",
            cause=_reason(error, data),
            fix="Export it again as JPEG, PNG or WebP, or take it out.",
        ) from error


def read_bytes(path: Path) -> bytes:
    """The bytes of an image file. Raises ImageError when it cannot be read or is larger than `MAX_BYTES`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageError(
            f"{path.name} cannot be opened",
            cause=f"{error.strerror or error}.",
            fix="Check the file's permissions.",
        ) from error
    if len(data) > MAX_BYTES:
        raise _too_large(path.name, path.stat().st_size)
    return data


def thumbnail_jpeg(image: Image.Image, size: int = 192) -> bytes:
    """JPEG bytes of `image` (RGB) shrunk to fit `size` x `size` pixels; smaller images keep their size."""
    small = image.copy()
    small.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _rgb(image: Image.Image) -> Image.Image:
    image.load()
    upright = ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image
    if upright.mode.startswith("I"):
        values = np.asarray(upright, dtype=np.float64) / 257.0
        upright = Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        ground = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(ground, upright)
    return upright.convert("RGB")


def _check_pixels(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise _bomb(name, f"{width} x {height} is more than {max_pixels:,} pixels.")


def _bomb(name: str, cause: str) -> ImageError:
    return ImageError(f"{name} has too many pixels", cause=cause, fix="Scale it down before adding it.")


def _too_large(name: str, size: int) -> ImageError:
    return ImageError(
        f"{name} is too large a file",
        cause=f"{size / 2**20:.0f} MiB; the limit is {MAX_BYTES // 2**20} MiB.",
        fix="Save it with stronger compression.",
    )


def _reason(error: Exception, data: bytes) -> str:
    if not data:
        return "The file is empty."
    if isinstance(error, UnidentifiedImageError):
        return f"It is none of {', '.join(FORMATS)}, or its header is damaged."
    text = str(error) or type(error).__name__
    return text[0].upper() + text[1:].rstrip(".") + "."
