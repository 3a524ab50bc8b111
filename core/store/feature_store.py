"""The feature store: what checkpoints say about images, kept between sessions."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.dataset import Dataset
from core.errors import StoreError
from core.progress import Progress, silent
from core.store.alignment import Alignment, IndexStatus
from core.store.predictions import Embeddings, Predictions
from core.store.snapshot import Snapshot, forget, read_snapshot
from core.store.sources import make_thumbnails, rows_of
from core.store.table import version_token
from core.store.thumbnails import Thumbnails
from core.store.usage import Usage, prune, usage
from core.store.variant import Entry, Variant, entries, make_entry

if TYPE_CHECKING:
    from core.inference import Engine
    from core.models import Checkpoint


class FeatureStore:
    """Embeddings, logits and thumbnails below `cache`, computed once per image content.

    Reading imports neither torch nor, as long as nothing has changed since the last read, lancedb. Any number
    of threads and processes may read while one writes. Everything raises StoreError where files are damaged.
    """

    def __init__(self, cache: Path) -> None:
        self.root = cache / "features"
        self._thumbnails = Thumbnails(self.root)
        self._snapshots: dict[Path, Snapshot] = {}
        self._rows: weakref.WeakKeyDictionary[Dataset, pd.Series[int]] = weakref.WeakKeyDictionary()

    def index(
        self,
        dataset: Dataset,
        checkpoint: Checkpoint,
        *,
        engine: str = "auto",
        precision: str = "auto",
        progress: Progress = silent,
        retry_failed: bool = False,
        rows: npt.NDArray[np.bool_] | None = None,
    ) -> IndexStatus:
        """Predict the images that are not stored yet, and make missing thumbnails.

        With `rows` (N,) bool only those rows are predicted, and no thumbnails of others are made. Work is
        committed as it goes: killed or cancelled, the next call goes on where this one stopped. Images that
        cannot be read are recorded with the reason and tried again only with `retry_failed`. int8 is
        calibrated with the data set's own training images. Raises StoreError, InferenceError,
        CheckpointError, and Cancelled from `progress`.
        """
        from core.store.indexing import index_features, index_thumbnails

        done = self._best(dataset, checkpoint, engine, precision)
        wanted = np.ones(len(dataset), dtype=bool) if rows is None else rows
        if done is None or not (done[1].order >= 0)[wanted].all() or (retry_failed and _status(*done).failed):
            opened = self._open(dataset, checkpoint, engine, precision, progress)
            variant = Variant.of(checkpoint, opened.name, opened.precision, opened.calibration)
            entry = make_entry(self.root, variant, checkpoint.name)
            index_features(
                entry,
                opened,
                dataset,
                checkpoint,
                self._thumbnails,
                progress=progress,
                retry_failed=retry_failed,
                wanted=wanted,
            )
        if rows is None:
            index_thumbnails(dataset, self._thumbnails, progress=progress)
        return self.status(dataset, checkpoint, engine=engine, precision=precision)

    def status(
        self, dataset: Dataset, checkpoint: Checkpoint, *, engine: str = "auto", precision: str = "auto"
    ) -> IndexStatus:
        """How many of the data set's rows are predicted, by the variant that `predictions` would read."""
        found = self._best(dataset, checkpoint, engine, precision)
        return IndexStatus(0, len(dataset), 0, "", "") if found is None else _status(*found)

    def predictions(
        self, dataset: Dataset, checkpoint: Checkpoint, *, engine: str = "auto", precision: str = "auto"
    ) -> Predictions:
        """What `checkpoint` says about `dataset`; rows that are not indexed yet are marked absent.

        Of several engines' results the most complete are taken, of equally complete ones the newest; int8
        only where it is asked for. Raises StoreError that says "run index" where nothing is stored, or what
        to delete where files are damaged.
        """
        found = self._best(dataset, checkpoint, engine, precision)
        if found is None:
            raise StoreError(
                f"'{dataset.name}' is not indexed with checkpoint '{checkpoint.name}'",
                cause="The feature store holds no predictions for any of its images.",
                fix=f"Run: python -m core index --data {dataset.root} --checkpoint {checkpoint.name}",
            )
        entry, aligned = found
        return Predictions(
            dataset_fingerprint=dataset.fingerprint,
            checkpoint_hash=checkpoint.hash,
            checkpoint_name=checkpoint.name,
            taxonomy=checkpoint.taxonomy,
            present=aligned.present,
            logits={task: aligned.logits(head) for head, task in enumerate(entry.variant.taxonomy)},
            temperature=dict(checkpoint.card.temperature),
            engine=entry.variant.engine,
            precision=entry.variant.precision,
            failures=aligned.failures(),
            load=partial(self._embeddings, entry, aligned, dataset),
        )

    def version(self, checkpoint: Checkpoint) -> str:
        """A short text that changes whenever other logits or embeddings may be stored: for cache keys.

        What is computed from probabilities depends on the card's temperature as well.
        """
        found = [f"{entry.folder.name} {version_token(entry.folder)}" for entry in self._entries(checkpoint)]
        return hashlib.sha256("\n".join(found).encode()).hexdigest()[:32]

    def thumbnails(self, shas: Iterable[str], *, dataset: Dataset | None = None) -> dict[str, bytes]:
        """JPEG bytes (at most 192 pixels a side) by image sha, those that there are.

        With `dataset`, missing ones are made from its images and stored; without, damage raises StoreError.
        """
        wanted = list(dict.fromkeys(shas))
        try:
            found = self._thumbnails.get(wanted)
        except StoreError:
            if dataset is None:
                raise
            return self._make(dataset, wanted)
        missing = [sha for sha in wanted if sha not in found]
        if missing and dataset is not None:
            made = self._make(dataset, missing)
            self._thumbnails.offer(made)
            found.update(made)
        return found

    def entries(self) -> list[Entry]:
        """Every variant in the store, oldest first."""
        return list(entries(self.root))

    def usage(self) -> list[Usage]:
        """What every folder of the store holds and takes on disk."""
        return list(usage(self.root))

    def prune(self, key: str) -> int:
        """Delete one of `usage`'s folders; returns the bytes that it took. Raises StoreError."""
        self._snapshots.pop(self.root / key, None)
        return prune(self.root, key)

    def _open(
        self, dataset: Dataset, checkpoint: Checkpoint, engine: str, precision: str, progress: Progress
    ) -> Engine:
        from core.inference import Calibration, open_engine

        if precision != "int8":
            return open_engine(checkpoint, engine, precision)
        calibration, cache = Calibration.of(dataset), self.root.parent
        return open_engine(
            checkpoint, engine, precision, cache=cache, calibration=calibration, progress=progress
        )

    def _best(
        self, dataset: Dataset, checkpoint: Checkpoint, engine: str, precision: str
    ) -> tuple[Entry, Alignment] | None:
        found, damage = [], None
        calibration = _calibration(dataset) if precision == "int8" else ""
        for entry in self._entries(checkpoint):
            if not entry.variant.answers(engine, precision) or entry.variant.calibration != calibration:
                continue
            try:
                snapshot = self._snapshot(entry)
            except StoreError as error:
                damage = error
                continue
            if snapshot is not None:
                found.append((entry, Alignment.of(dataset, snapshot)))
        if not found and damage is not None:
            raise damage
        known = [item for item in found if (item[1].order >= 0).any()]
        return max(known, key=lambda item: (int(item[1].present.sum()), item[0].sequence), default=None)

    def _entries(self, checkpoint: Checkpoint) -> list[Entry]:
        return [entry for entry in entries(self.root) if entry.variant.fits(checkpoint)]

    def _snapshot(self, entry: Entry) -> Snapshot | None:
        kept = self._snapshots.get(entry.folder)
        if kept is not None and kept.token == version_token(entry.folder):
            return kept
        found = read_snapshot(entry)
        if found is not None:
            self._snapshots[entry.folder] = found
        return found

    def _embeddings(self, entry: Entry, aligned: Alignment, dataset: Dataset) -> Embeddings:
        """The embeddings of what was present when the predictions were read."""
        try:
            return aligned.embeddings()
        except (OSError, ValueError):  # that version is gone, or its file is damaged: read the table again
            self._snapshots.pop(entry.folder, None)
            if version_token(entry.folder) == aligned.snapshot.token:
                forget(entry)
        snapshot = self._snapshot(entry)
        if snapshot is None:
            raise StoreError(
                "The embeddings are gone", cause=f"{entry.folder} is empty.", fix="Run index again."
            )
        again = Alignment.of(dataset, snapshot)
        found = Alignment(snapshot, again.order, again.present & aligned.present).embeddings()
        return found

    def _make(self, dataset: Dataset, shas: list[str]) -> dict[str, bytes]:
        rows = self._rows.get(dataset)
        if rows is None:
            rows = self._rows[dataset] = rows_of(dataset)
        known = [sha for sha in shas if sha in rows.index]
        return dict(make_thumbnails(dataset, ((sha, int(rows[sha])) for sha in known)))


def _calibration(dataset: Dataset) -> str:
    from core.inference import Calibration

    return Calibration.of(dataset).key


def _status(entry: Entry, aligned: Alignment) -> IndexStatus:
    return IndexStatus(
        done=int(aligned.present.sum()),
        total=len(aligned.order),
        failed=int(aligned.failed.sum()),
        engine=entry.variant.engine,
        precision=entry.variant.precision,
    )
