"""Which features a table holds: one table per checkpoint, preprocessing, engine and precision.

Images are found in it by the SHA-256 of their bytes, so that data sets share what they have in common and a
new data set with old images costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.taxonomy import Taxonomy
from core.errors import StoreError
from core.files import atomic_write_json, cache_key

if TYPE_CHECKING:
    from core.models import Checkpoint

SCHEMA = "features-1"
"""Version of the tables' layout. A change of it makes new folders; old ones are listed as unknown."""
KEY_FILE = "key.json"


@dataclass(frozen=True)
class Variant:
    """Everything that changes what a network says about an image."""

    checkpoint_hash: str
    preprocessing: dict[str, Any]
    engine: str
    precision: str
    taxonomy: dict[str, list[str]]
    embedding_dim: int
    calibration: str = ""
    """Key of the images that an int8 network was calibrated with."""

    @classmethod
    def of(cls, checkpoint: Checkpoint, engine: str, precision: str, calibration: str = "") -> Variant:
        """The variant of `checkpoint` run by `engine` at `precision`."""
        return cls(
            checkpoint_hash=checkpoint.hash,
            preprocessing=plain(checkpoint.card.preprocessing),
            engine=engine,
            precision=precision,
            taxonomy=checkpoint.taxonomy.to_json(),
            embedding_dim=int(checkpoint.card.embedding_dim),
            calibration=calibration,
        )

    @property
    def key(self) -> str:
        """32 hexadecimal digits over the schema version and every field: the folder's name."""
        return cache_key(SCHEMA, **self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; without `calibration` where there is none."""
        return {name: value for name, value in asdict(self).items() if name != "calibration" or value}

    @property
    def tasks(self) -> Taxonomy:
        """The heads, in the order of the table's logits columns."""
        return Taxonomy.from_json(self.taxonomy)

    def answers(self, engine: str, precision: str) -> bool:
        """Whether it is what was asked for, where "auto" is any engine and any precision but int8."""
        wanted = precision == self.precision or (precision == "auto" and self.precision != "int8")
        return engine in ("auto", self.engine) and wanted

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether this is `checkpoint` with the preprocessing that its card names today."""
        return self == Variant.of(checkpoint, self.engine, self.precision, self.calibration)


@dataclass(frozen=True)
class Entry:
    """A variant's folder in the store; `sequence` grows with each new folder, whatever the clock says."""

    folder: Path
    variant: Variant
    checkpoint_name: str
    sequence: int


def plain(value: Any) -> dict[str, Any]:
    """A pydantic model, dataclass or mapping as a dict of JSON values."""
    if hasattr(value, "model_dump"):
        found = value.model_dump(mode="json")
    elif is_dataclass(value) and not isinstance(value, type):
        found = asdict(value)
    else:
        found = dict(value)
    return dict(json.loads(json.dumps(found, allow_nan=False)))


def entries(root: Path) -> Iterator[Entry]:
    """Every variant's folder below `root`, oldest first; folders that say nothing are left out."""
    found = [entry for path in root.glob(f"*/{KEY_FILE}") if (entry := read_entry(path.parent))]
    yield from sorted(found, key=lambda entry: (entry.sequence, entry.folder.name))


def read_entry(folder: Path) -> Entry | None:
    """What `folder` holds, or None where its key file is absent, damaged or of another schema version."""
    try:
        value = json.loads((folder / KEY_FILE).read_bytes())
        variant = Variant(**value["variant"])
        entry = Entry(folder, variant, str(value["checkpoint_name"]), int(value["sequence"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry if variant.key == folder.name else None


def make_entry(root: Path, variant: Variant, checkpoint_name: str) -> Entry:
    """The folder of `variant`, made where there is none. Raises StoreError (disk full, no permission)."""
    folder = root / variant.key
    if (entry := read_entry(folder)) is not None:
        return entry
    sequence = 1 + max((entry.sequence for entry in entries(root)), default=0)
    value = {"variant": variant.to_json(), "checkpoint_name": checkpoint_name, "sequence": sequence}
    try:
        atomic_write_json(folder / KEY_FILE, value)
    except OSError as error:
        raise StoreError(
            "The feature store cannot be written",
            cause=f"{folder}: {error}.",
            fix="Make room or set VITRINE_CACHE.",
        ) from error
    return Entry(folder, variant, checkpoint_name, sequence)
