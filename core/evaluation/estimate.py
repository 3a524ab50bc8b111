"""A figure with its interval: nothing in Vitrine is shown or written without one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class Interval:
    """Another interval for the same figure, by another method."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, the number of images `n` and of objects `instances` it rests on.

    `low` and `high` are NaN where no interval can be given (n == 0, or an unbounded score seen on one
    object); `value` is NaN only where n == 0. `instances` is None where objects are not known. `alternatives`
    are the intervals that were not chosen as the headline. Raises ValueError for an order or a NaN that
    cannot be.
    """

    value: float
    low: float
    high: float
    n: int
    instances: int | None
    method: str
    alternatives: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        if self.n < 0 or (math.isnan(self.value) and self.n > 0):
            raise ValueError(f"An estimate on {self.n} images cannot have the value {self.value}")
        if not (math.isnan(self.low) or self.low <= self.value <= self.high):
            raise ValueError(f"{self.value} does not lie in {self.low} .. {self.high} ({self.method})")

    @property
    def width(self) -> float:
        """`high - low`; NaN where there is no interval."""
        return self.high - self.low

    def text(self, percent: bool = True) -> str:
        """E.g. "92.5 % (82.1 – 97.0)", or "0.924 (0.871 – 0.962)" with `percent=False`; "–" without
        images."""
        if math.isnan(self.value):
            return "–"
        scale, digits, unit = (100.0, 1, " %") if percent else (1.0, 3, "")
        head = f"{self.value * scale:.{digits}f}{unit}"
        if math.isnan(self.low):
            return f"{head} (no interval)"
        return f"{head} ({self.low * scale:.{digits}f} – {self.high * scale:.{digits}f})"

    def support(self) -> str:
        """What the figure rests on: "53 images of 11 objects", or "53 images"."""
        images = f"{self.n:,} image{'s' if self.n != 1 else ''}"
        if self.instances is None:
            return images
        return f"{images} of {self.instances:,} object{'s' if self.instances != 1 else ''}"

    def to_json(self) -> dict[str, Any]:
        """Keys value, low, high, n, instances, method; undefined numbers are null."""
        found: dict[str, Any] = {
            name: None if math.isnan(number) else number
            for name, number in (("value", self.value), ("low", self.low), ("high", self.high))
        }
        return found | {"n": self.n, "instances": self.instances, "method": self.method}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Estimate:
        """Read `to_json` back. Raises KeyError, TypeError, ValueError for something else."""
        centre, low, high = (
            math.nan if value[name] is None else float(value[name]) for name in ("value", "low", "high")
        )
        return cls(centre, low, high, value["n"], value["instances"], value["method"])


def undefined(n: int = 0, instances: int | None = None) -> Estimate:
    """The estimate of a figure that has no images to rest on."""
    return Estimate(math.nan, math.nan, math.nan, n, instances, "none")
