"""Named colours with a natural spread, in linear RGB as the renderer wants them."""

from __future__ import annotations

import colorsys
import math
import random

RGB = tuple[float, float, float]

# name -> (hue range in degrees, saturation range, value range), sRGB
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "black": ((0, 360), (0.0, 0.15), (0.07, 0.15)),
    "white": ((30, 60), (0.0, 0.06), (0.88, 0.96)),
    "gray": ((0, 360), (0.0, 0.05), (0.40, 0.56)),
    "silver": ((200, 230), (0.0, 0.03), (0.80, 0.90)),
    "gold": ((41, 47), (0.48, 0.62), (0.86, 0.96)),
    "red": ((-7, 6), (0.78, 0.93), (0.64, 0.82)),
    "blue": ((206, 228), (0.68, 0.90), (0.50, 0.82)),
    "green": ((95, 152), (0.50, 0.78), (0.38, 0.66)),
    "yellow": ((46, 55), (0.72, 0.90), (0.88, 0.97)),
    "pink": ((328, 346), (0.32, 0.52), (0.90, 0.97)),
    "purple": ((264, 284), (0.48, 0.68), (0.42, 0.62)),
    "brown": ((17, 28), (0.52, 0.68), (0.34, 0.48)),
    "transparent": ((190, 215), (0.0, 0.05), (0.95, 0.99)),
}
_VIVID = ("red", "blue", "green", "yellow", "pink", "purple", "white")


def linear(rgb: RGB) -> RGB:
    """sRGB in 0..1 to linear RGB (IEC 61966-2-1)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return r, g, b


def srgb_sample(name: str, rng: random.Random) -> RGB:
    """One sRGB sample of a named colour."""
    hue, saturation, value = (rng.uniform(*span) for span in _RANGES[name])
    return colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)


def sample(name: str, rng: random.Random) -> RGB:
    """One linear RGB sample of a named colour."""
    return linear(srgb_sample(name, rng))


def shade(rgb: RGB, factor: float, lift: float = 0.0, ceiling: float = math.inf) -> RGB:
    """A colour times ``factor`` plus ``lift``, no channel above ``ceiling``."""
    r, g, b = (min(c * factor + lift, ceiling) for c in rgb)
    return r, g, b


def several(count: int, rng: random.Random) -> list[RGB]:
    """Distinct vivid colours in sRGB, for a product of many colours."""
    return [srgb_sample(name, rng) for name in rng.sample(_VIVID, count)]


def accent(name: str, rng: random.Random) -> RGB:
    """A linear RGB for trim that sets off a product's named colour without replacing it."""
    dark, light = linear((0.10, 0.10, 0.11)), linear((0.86, 0.85, 0.82))
    if name in ("black", "brown", "purple", "blue", "green"):
        return light if rng.random() < 0.65 else linear((0.55, 0.56, 0.58))
    return dark if rng.random() < 0.7 else linear((0.35, 0.36, 0.38))
