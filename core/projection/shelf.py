"""Maps kept on disk under a key over every parameter; a damaged one is a miss, never a wrong map."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import SelectionError, StoreError
from core.files import atomic_path, atomic_write_json, cache_key, sha256_file
from core.projection.parameters import Parameters
from core.projection.projection import Projection
from core.store import Predictions

SCHEMA = "projection-1"


class Shelf:
    """The maps below `cache / "projections"`: `<key>.npy` (coordinates) and `<key>.json`, written last, which
    names the coordinates' SHA-256."""

    def __init__(self, cache: Path) -> None:
        self.folder = cache / "projections"

    def find(self, key: str) -> Projection | None:
        """The map of that key, or None where there is none or its files are damaged."""
        array, facts = self._files(key)
        try:
            value: dict[str, Any] = json.loads(facts.read_text("utf-8"))
            if value["key"] != key or sha256_file(array) != value.pop("sha256"):
                return None
            return Projection.from_json(value, np.load(array, allow_pickle=False))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SelectionError):
            return None

    def keep(self, projection: Projection) -> None:
        """Write a map, whole or not at all. Raises StoreError: no room, or no permission."""
        array, facts = self._files(projection.key)
        try:
            with atomic_path(array) as temporary, temporary.open("wb") as stream:
                np.save(stream, projection.coords, allow_pickle=False)
            atomic_write_json(facts, {**projection.to_json(), "sha256": sha256_file(array)})
        except OSError as error:
            raise StoreError(
                "The map could not be kept", cause=str(error), fix="Free some space in the cache's folder."
            ) from error

    def _files(self, key: str) -> tuple[Path, Path]:
        return self.folder / f"{key}.npy", self.folder / f"{key}.json"


def projection_key(predictions: Predictions, parameters: Parameters, *, version: str = "") -> str:
    """The key of a map: data set, checkpoint, engine, which rows are indexed, and every parameter used.

    `version` is the feature store's, where features may be written again under the same engine.
    """
    present = hashlib.sha256(np.packbits(predictions.present).tobytes()).hexdigest()
    return cache_key(
        SCHEMA,
        dataset=predictions.dataset_fingerprint,
        checkpoint=predictions.checkpoint_hash,
        engine=predictions.engine,
        precision=predictions.precision,
        present=present,
        version=version,
        **parameters.used(),
    )
