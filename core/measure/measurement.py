"""The costs of one checkpoint on one machine, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import SelectionError


@dataclass(frozen=True)
class Latency:
    """Wall-clock ms of one call on `batch` images (inputs ready, forward only): median and 95th percentile of
    `runs` calls; `processor` is the median of the processor ms of all threads for one image."""

    batch: int
    p50: float
    p95: float
    processor: float
    runs: int

    @property
    def per_image(self) -> float:
        """Median ms for one image."""
        return self.p50 / self.batch


@dataclass(frozen=True)
class Way:
    """One way to run a checkpoint: an engine in a precision, and what it costs.

    `file_bytes` is what the weights take on disk in this form; `memory` the peak MB of a process that does
    nothing else, libraries included; `device_memory` the peak MB on an accelerator, None on a CPU.
    """

    engine: str
    precision: str
    device: str
    file_bytes: int
    memory: float
    device_memory: float | None
    latency: tuple[Latency, ...]
    calibration: str = ""
    """Key of the images that int8 was calibrated with."""

    @property
    def name(self) -> str:
        """E.g. "openvino int8", or "torch bf16 on cuda"."""
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.engine} {self.precision}{where}"

    def at(self, batch: int) -> Latency:
        """The latency at that batch. Raises SelectionError where it was not measured."""
        for found in self.latency:
            if found.batch == batch:
                return found
        raise SelectionError(
            f"Batches of {batch} were not measured",
            cause=f"{self.name}.",
            fix="Measure the checkpoint again.",
        )

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self) | {"latency": [asdict(found) for found in self.latency]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Way:
        """Read `to_json` back. Raises KeyError, TypeError for something else."""
        return cls(**{**value, "latency": tuple(Latency(**found) for found in value["latency"])})


@dataclass(frozen=True)
class Measurement:
    """What a checkpoint costs on one machine. `flops`: floating point operations for one image at the card's
    size, two per multiplication with addition, of matrix products and convolutions. `refused`: ways that this
    machine does not have, with the reason. `load`: the machine's load average before and after."""

    checkpoint_hash: str
    checkpoint_name: str
    backbone: str
    size: int
    parameters: int
    flops: int
    file_bytes: int
    hardware: str
    versions: Mapping[str, str]
    created: str
    load: tuple[float, float]
    ways: tuple[Way, ...]
    refused: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self) | {"ways": [way.to_json() for way in self.ways], "load": list(self.load)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Measurement:
        """Read `to_json` back. Raises KeyError, TypeError, ValueError for something else."""
        ways = tuple(Way.from_json(way) for way in value["ways"])
        before, after = value["load"]
        return cls(**{**value, "ways": ways, "load": (float(before), float(after))})
