"""A finished map: coordinates, how they were made and how good they are; written as .npy beside .json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection.parameters import Parameters
from core.projection.quality import Quality


@dataclass(frozen=True, eq=False)
class Projection:
    """`coords` (N, 2 or 3) float32 in the order of the data set's table, NaN where there is no embedding.

    `explained` holds the shares of variance of PCA's axes, () for other methods; `fitted` counts the images
    that the layout was computed for (the rest was placed among them); `seconds` is what it took.
    """

    coords: npt.NDArray[np.float32]
    parameters: Parameters
    key: str
    quality: Quality
    fitted: int
    seconds: float
    explained: tuple[float, ...] = ()

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return int(self.coords.shape[1])

    @property
    def shown(self) -> npt.NDArray[np.bool_]:
        """Which rows (N,) bool have a place."""
        return np.asarray(np.isfinite(self.coords[:, 0]))

    def to_json(self) -> dict[str, Any]:
        """Everything but the coordinates."""
        return {
            "key": self.key,
            "parameters": dict(self.parameters.__dict__),
            "quality": dict(self.quality.__dict__),
            "rows": len(self.coords),
            "fitted": self.fitted,
            "seconds": round(self.seconds, 3),
            "explained": list(self.explained),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], coords: npt.NDArray[np.float32]) -> Projection:
        """The inverse of `to_json`. Raises KeyError, TypeError, ValueError or SelectionError where `value` is
        not one of ours or does not fit `coords`."""
        parameters = Parameters(**value["parameters"])
        if coords.dtype != np.float32 or coords.shape != (value["rows"], parameters.dimensions):
            raise ValueError(f"coordinates {coords.dtype} {coords.shape} do not fit")
        coords.flags.writeable = False
        return cls(
            coords,
            parameters,
            str(value["key"]),
            Quality(**value["quality"]),
            int(value["fitted"]),
            float(value["seconds"]),
            tuple(float(share) for share in value["explained"]),
        )
