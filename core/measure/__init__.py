"""What a checkpoint costs on this machine: parameters, operations, size, latency, memory. Imports no
torch."""

from __future__ import annotations

from core.measure.measurement import Latency, Measurement, Way
from core.measure.shelf import read_measurements

__all__ = ["Latency", "Measurement", "Way", "read_measurements"]
