"""What a phone does to a picture: white balance, exposure, blur, noise, JPEG. Arrays are sRGB in 0..1."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Picture = NDArray[np.float32]  # (height, width, 3)


@dataclass(frozen=True)
class Capture:
    """How well a light lets a phone see; lengths in pixels of a picture of 224, levels as shares of white."""

    bright: float = 0.90
    """What the brightest twentieth of the picture comes to."""
    blur: tuple[float, float] = (0.0, 0.45)
    noise: tuple[float, float] = (0.002, 0.012)
    smeared: float = 0.125
    """Share of the pictures that the hand smears along a direction."""
    smear: tuple[float, float] = (2.0, 5.0)


_WELL_LIT = Capture()
_CAPTURES = {
    "dim": Capture(0.46, (0.0, 1.1), (0.02, 0.045)),
    "dark": Capture(0.24, (1.2, 2.4), (0.06, 0.10), 0.85, (9.0, 17.0)),
}


def develop(picture: Picture, light: str, seed: int) -> Picture:
    """The rendered picture as a phone would keep it; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    capture = _CAPTURES.get(light, _WELL_LIT)
    kept: NDArray[Any] = _exposed(picture, capture.bright, rng)
    kept = np.clip(kept, 0, 1) ** np.exp(rng.normal(0, 0.06))
    kept = kept + 0.22 * kept * (1 - kept) * (2 * kept - 1)  # a phone's contrast
    kept = kept * _vignette(kept.shape, rng.uniform(0, 0.25))
    kept = _blurred(kept, rng, capture)
    kept = kept + _noise(kept.shape, rng, rng.uniform(*capture.noise))
    finished: Picture = np.clip(kept, 0, 1).astype(np.float32)
    return finished


def encode(picture: Picture, quality: int) -> bytes:
    """A JPEG file of the picture."""
    buffer = io.BytesIO()
    Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).save(
        buffer, "JPEG", quality=quality, optimize=True
    )
    return buffer.getvalue()


def _exposed(picture: Picture, bright: float, rng: np.random.Generator) -> NDArray[Any]:
    """Automatic exposure (the brightest twentieth comes to ``bright``) and white balance, both a bit off."""
    luminance = float(np.percentile(picture.mean(axis=2), 95))
    gain = np.clip(bright / max(luminance, 1e-3), 0.6, 2.2)
    cast = picture.reshape(-1, 3).mean(axis=0) + 1e-3
    balance = (cast.mean() / cast) ** 0.25
    exposed: NDArray[Any] = picture * gain * balance * np.exp(rng.normal(0, 0.025, 3))
    exposed = exposed * np.exp(rng.normal(0, 0.07))
    return exposed


def _vignette(shape: tuple[int, ...], strength: float) -> NDArray[np.float64]:
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]  # type: ignore[misc]
    shade: NDArray[np.float64] = (1 - strength * (x**2 + y**2) / 2)[:, :, None]
    return shade


def _blurred(picture: NDArray[Any], rng: np.random.Generator, capture: Capture) -> NDArray[Any]:
    """Focus blur, and some pictures smeared along a direction by the hand."""
    side = picture.shape[0] / 224
    picture = ndimage.gaussian_filter(picture, (s := rng.uniform(*capture.blur) * side, s, 0))
    if rng.random() < capture.smeared:
        length, angle = rng.uniform(*capture.smear) * side, rng.uniform(0, np.pi)
        steps = np.linspace(-length / 2, length / 2, max(7, round(length)))
        shifted = [
            ndimage.shift(picture, (d * np.sin(angle), d * np.cos(angle), 0), order=1, mode="nearest")
            for d in steps
        ]
        picture = np.mean(shifted, axis=0)
    return picture


def _noise(shape: tuple[int, ...], rng: np.random.Generator, level: float) -> NDArray[Any]:
    """Sensor noise: grain in brightness, softer blotches in colour."""
    grain = rng.normal(0, level, (*shape[:2], 1))
    blotches = ndimage.gaussian_filter(rng.normal(0, level * 1.6, shape), (1.2, 1.2, 0))
    noise: NDArray[Any] = grain + blotches
    return noise
