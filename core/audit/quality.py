"""Images that are blurred, dark, blank or of an odd size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.audit.looks import Looks, outliers_of
from core.data.dataset import Dataset

Fault = Literal["blurred", "dark", "overexposed", "low contrast", "odd size"]
FAR = 3.5
"""Robust z-score from which a value is unusual (Iglewicz & Hoaglin 1993)."""
DARK, BRIGHT, FLAT = 0.08, 0.97, 0.03
"""Brightness and contrast that no usable photograph has, whatever the others look like."""


@dataclass(frozen=True)
class PoorImage:
    """Row `row` has `fault`; `value` is the measure behind it, `score` how far out it is (robust z, 0 =
    usual)."""

    row: int
    fault: Fault
    value: float
    score: float


def poor_images(dataset: Dataset, looks: Looks) -> tuple[PoorImage, ...]:
    """What is unusual in this data set or unusable anywhere, the furthest out first."""
    width, height = (dataset.table[side].to_numpy(dtype=float) for side in ("width", "height"))
    size, shape = np.log(np.sqrt(width * height)), np.log(width / height)
    bright, contrast = looks.brightness, looks.contrast
    sharp = np.log(np.maximum(looks.sharpness, 1e-6))
    dim, flat, soft = outliers_of(bright), outliers_of(contrast), outliers_of(sharp)
    odd = np.maximum(_apart(size), _apart(shape))
    found = [
        *_flag("blurred", looks.sharpness, -soft, soft < -FAR),
        *_flag("dark", bright, -dim, (bright < DARK) | ((dim < -FAR) & (bright < 0.25))),
        *_flag("overexposed", bright, dim, (bright > BRIGHT) | ((dim > FAR) & (bright > 0.9))),
        *_flag("low contrast", contrast, -flat, (contrast < FLAT) | ((flat < -FAR) & (contrast < 0.1))),
        *_flag("odd size", np.exp(size), odd, odd > 2 * FAR),
    ]
    return tuple(sorted(found, key=lambda image: -image.score))


def _apart(values: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    """How far from the usual, where 5 % of difference is never unusual."""
    middle = float(np.median(values)) if len(values) else 0.0
    spread = max(1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0.0, 0.05)
    return np.asarray(np.abs(values - middle) / spread)


def _flag(
    fault: Fault,
    values: np.typing.NDArray[np.floating],
    score: np.typing.NDArray[np.float64],
    flagged: np.typing.NDArray[np.bool_],
) -> list[PoorImage]:
    rows = np.flatnonzero(flagged)
    return [PoorImage(int(row), fault, float(values[row]), float(score[row])) for row in rows]
