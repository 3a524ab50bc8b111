"""Fill the store with what other machines compute: the rows of `indexing`, committed by one process here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.data.dataset import Dataset
from core.progress import Progress, silent
from core.store.features import FeatureRows, append_rows
from core.store.indexing import COMMIT_ROWS, COMMIT_SECONDS, missing_rows, run_lock
from core.store.snapshot import read_snapshot
from core.store.table import compact
from core.store.thumbnails import Thumbnails
from core.store.variant import Entry, Variant, make_entry

if TYPE_CHECKING:
    from core.inference import Outputs
    from core.models import Checkpoint


@dataclass(frozen=True, eq=False)
class Chunk:
    """What was found out about some images, in any order."""

    shas: list[str]
    """Of the images that were predicted: `outputs` has a row for each."""
    outputs: Outputs
    failed: Mapping[str, str] = field(default_factory=dict)
    """Images that cannot be read, by sha, with the reason."""
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    passed_over: int = 0
    """Images whose files are gone or changed."""


Compute = Callable[[pd.DataFrame], Iterator[Chunk]]
"""Takes the images to predict: columns sha, file (absolute path) and thumbnail (whether one is wanted)."""


def index_elsewhere(
    cache: Path,
    dataset: Dataset,
    checkpoint: Checkpoint,
    compute: Compute,
    *,
    engine: str,
    precision: str,
    progress: Progress = silent,
) -> int:
    """Store what `compute` says of the images that the variant lacks; how many it was asked for.

    `engine` and `precision` are those that `compute` uses. What arrived is kept, whatever ends it. Raises
    StoreError, what `compute` raises, and Cancelled from `progress`.
    """
    root = cache / "features"
    entry = make_entry(root, Variant.of(checkpoint, engine, precision), checkpoint.name)
    thumbnails = Thumbnails(root)
    with run_lock(entry, progress):
        images = _images(dataset, missing_rows(entry, dataset, retry_failed=False), thumbnails)
        progress(0, len(images), "images")
        if len(images):
            _gather(entry, thumbnails, compute(images), len(images), progress)
        compact(entry.folder)
        read_snapshot(entry)
    return len(images)


def _images(dataset: Dataset, rows: pd.Series[int], thumbnails: Thumbnails) -> pd.DataFrame:
    without = set(thumbnails.missing(rows.index))
    return pd.DataFrame(
        {
            "sha": list(rows.index),
            "file": [str(dataset.file(int(row)).resolve()) for row in rows],
            "thumbnail": [sha in without for sha in rows.index],
        }
    )


def _gather(
    entry: Entry, thumbnails: Thumbnails, chunks: Iterator[Chunk], total: int, progress: Progress
) -> None:
    rows, small, seen, since = FeatureRows(entry.variant), dict[str, bytes](), 0, time.monotonic()
    try:
        for chunk in chunks:
            rows.add(chunk.shas, chunk.outputs)
            for sha, reason in chunk.failed.items():
                rows.fail(sha, reason)
            small.update(chunk.thumbnails)
            seen += len(chunk.shas) + len(chunk.failed) + chunk.passed_over
            progress(seen, total, "images")
            if len(rows) >= COMMIT_ROWS or time.monotonic() - since > COMMIT_SECONDS:
                _commit(entry, thumbnails, rows, small)
                rows, small, since = FeatureRows(entry.variant), {}, time.monotonic()
    finally:
        _commit(entry, thumbnails, rows, small)


def _commit(entry: Entry, thumbnails: Thumbnails, rows: FeatureRows, small: Mapping[str, bytes]) -> None:
    append_rows(entry, rows)
    thumbnails.add(small)
