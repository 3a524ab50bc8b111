"""The one preprocessing: from an image's bytes to a network's input, as the checkpoint's card says.

An RGB JPEG that need not be turned goes through torchvision's decoder, which gives Pillow's pixels exactly
in half the time; everything else goes through `decode_rgb`. Both are resized by the same antialiased routine.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.data.images import decode_rgb
from core.models.card import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor

FAST_PIXELS = 32 * 1024 * 1024
"""Above this many pixels `decode_rgb` decides what is decoded."""
_ORIENTATION = 0x0112


def preprocess(image: Image.Image | bytes, preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """A network's input (3, size, size) float32, normalised, from an RGB image or from an image file's bytes.

    Raises ImageError for bytes that are not a whole image of an allowed format.
    """
    pixels = _from_image(image) if isinstance(image, Image.Image) else decode_pixels(image)
    return normalise(resize_and_crop(pixels, preprocessing), preprocessing)


def decode_pixels(data: bytes) -> Tensor:
    """Pixels (3, H, W) uint8 of an image file's bytes, turned as its EXIF data says. Raises ImageError."""
    if _is_plain_jpeg(data):
        import torch
        from torchvision.io import ImageReadMode, decode_jpeg

        source = torch.frombuffer(bytearray(data), dtype=torch.uint8)  # torch wants bytes it may write to
        try:
            pixels: Tensor = decode_jpeg(source, mode=ImageReadMode.RGB)
            return pixels
        except RuntimeError:
            pass  # Pillow names the fault, or reads what this decoder cannot
    return _from_image(decode_rgb(data))


def resize_and_crop(pixels: Tensor, preprocessing: Preprocessing) -> npt.NDArray[np.uint8]:
    """Antialiased resize and centre crop: (3, H, W) uint8 -> (3, size, size) uint8."""
    from torch.nn.functional import interpolate

    size = preprocessing.size
    height, width = _resized(int(pixels.shape[1]), int(pixels.shape[2]), preprocessing)
    if (height, width) != tuple(pixels.shape[1:]):
        mode = preprocessing.interpolation
        pixels = interpolate(pixels[None], size=(height, width), mode=mode, antialias=True)[0]
    top, left = round((height - size) / 2), round((width - size) / 2)  # as torchvision's CenterCrop rounds
    cropped: npt.NDArray[np.uint8] = pixels[:, top : top + size, left : left + size].numpy()
    return cropped


def normalise(pixels: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> npt.NDArray[np.float32]:
    """(x / 255 - mean) / std per channel: (3, H, W) uint8 -> float32."""
    mean = np.asarray(preprocessing.mean, np.float32)[:, None, None]
    std = np.asarray(preprocessing.std, np.float32)[:, None, None]
    result = pixels.astype(np.float32)
    result *= 1 / (255 * std)
    result -= mean / std
    return result


def _resized(height: int, width: int, preprocessing: Preprocessing) -> tuple[int, int]:
    side = int(preprocessing.size / preprocessing.crop_pct)
    if preprocessing.crop_mode == "squash" or height == width:
        return side, side
    if height < width:
        return side, int(side * width / height)
    return int(side * height / width), side


def _is_plain_jpeg(data: bytes) -> bool:
    """Whether the fast decoder gives what `decode_rgb` would: an RGB JPEG of sane size, not to be turned."""
    if not data.startswith(b"\xff\xd8\xff"):
        return False
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as header:
            width, height = header.size
            plain = header.format == "JPEG" and header.mode == "RGB" and width * height <= FAST_PIXELS
            return plain and header.getexif().get(_ORIENTATION, 1) == 1
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return False


def _from_image(image: Image.Image) -> Tensor:
    from torchvision.transforms.functional import pil_to_tensor

    pixels: Tensor = pil_to_tensor(image if image.mode == "RGB" else image.convert("RGB"))
    return pixels
