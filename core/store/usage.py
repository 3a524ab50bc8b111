"""What the feature store takes on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import StoreError
from core.store.snapshot import read_snapshot
from core.store.variant import read_entry


@dataclass(frozen=True)
class Usage:
    """One folder of the store: the features of a variant, the thumbnails, or something no longer readable."""

    key: str
    """The folder's name."""
    bytes: int
    checkpoint: str = ""
    engine: str = ""
    precision: str = ""
    images: int | None = None
    """How many images' features it holds; None where they cannot be counted or it holds something else."""
    note: str = ""


def usage(root: Path) -> Iterator[Usage]:
    """Every folder of the store below `root` (a FeatureStore's), by name."""
    for folder in sorted(path for path in root.glob("*") if path.is_dir()):
        yield _usage(folder)


def prune(root: Path, key: str) -> int:
    """Delete the folder called `key`; returns the bytes that it took. Raises StoreError."""
    known = {found.key: found for found in usage(root)}
    if key not in known:
        raise StoreError(
            f"The feature store has no folder '{key}'",
            cause=f"There are: {', '.join(known) or 'none'}.",
            fix="Name one of them.",
        )
    try:
        shutil.rmtree(root / key)
    except OSError as error:
        raise StoreError(
            "These features cannot be deleted", cause=f"{root / key}: {error}.", fix="Delete the folder."
        ) from error
    return known[key].bytes


def _usage(folder: Path) -> Usage:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    entry = read_entry(folder)
    if entry is None:
        known = folder.name.startswith("thumbnails-")
        return Usage(folder.name, size, note="thumbnails" if known else "not readable by this version")
    about = Usage(folder.name, size, entry.checkpoint_name, entry.variant.engine, entry.variant.precision)
    try:
        snapshot = read_snapshot(entry)
    except StoreError as error:
        return replace(about, note=error.title)
    return replace(about, images=0 if snapshot is None else len(snapshot.shas))
