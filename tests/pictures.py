"""Small pictures for tests, made on the spot."""

from __future__ import annotations

import io

from PIL import Image


def picture(number: int = 0, *, size: tuple[int, int] = (8, 6), form: str = "PNG") -> bytes:
    """A small picture whose bytes depend on `number`."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (number % 256, number // 256 % 256, 99)).save(buffer, form)
    return buffer.getvalue()
