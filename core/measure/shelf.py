"""Measurements kept in the cache: one file per checkpoint and machine, with a hash over its content."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import StoreError
from core.files import atomic_write_json, cache_key
from core.measure.measurement import Measurement

_SCHEMA = "measurement-1"


def keep(measurement: Measurement, cache: Path) -> Path:
    """Write it below `cache`, replacing what was measured on this machine before. Raises StoreError."""
    place = (
        _folder(cache, measurement.checkpoint_hash) / f"{cache_key(_SCHEMA, on=measurement.hardware)}.json"
    )
    value = measurement.to_json()
    try:
        atomic_write_json(place, {"key": _key(value), "measurement": value})
    except OSError as error:
        raise StoreError(
            "The measurement cannot be kept", cause=f"{place}: {error}", fix="Make room or set VITRINE_CACHE."
        ) from error
    return place


def read_measurements(cache: Path, checkpoint_hash: str) -> list[Measurement]:
    """What was measured of a checkpoint, the newest first; damaged files are left out."""
    files = _folder(cache, checkpoint_hash).glob("*.json")
    found = [measurement for file in files if (measurement := _read(file)) is not None]
    return sorted(found, key=lambda one: one.created, reverse=True)


def _read(file: Path) -> Measurement | None:
    try:
        kept = json.loads(file.read_bytes())
        if kept["key"] != _key(kept["measurement"]):
            return None
        return Measurement.from_json(kept["measurement"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _key(value: dict[str, object]) -> str:
    return cache_key(_SCHEMA, measurement=value)


def _folder(cache: Path, checkpoint_hash: str) -> Path:
    return cache / "measurements" / checkpoint_hash
