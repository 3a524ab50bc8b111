"""Fill the store: run a checkpoint over the images that are not in it yet, committing as it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from filelock import FileLock, Timeout

from core.data.dataset import Dataset
from core.errors import DataError, ImageError, StoreError
from core.progress import Progress
from core.store.alignment import Alignment
from core.store.features import FeatureRows, append_rows
from core.store.snapshot import read_snapshot
from core.store.sources import make_thumbnail, make_thumbnails, read_image, rows_of
from core.store.table import compact, delete
from core.store.thumbnails import Thumbnails
from core.store.variant import Entry

if TYPE_CHECKING:
    from core.inference import Batch, Engine
    from core.models import Checkpoint

COMMIT_ROWS = 512
COMMIT_SECONDS = 10.0
"""A commit is made after so many rows or so much time: what a kill can cost."""
RUN_LOCK = "index.lock"
THUMBNAIL_CHUNK = 256


def index_features(
    entry: Entry,
    engine: Engine,
    dataset: Dataset,
    checkpoint: Checkpoint,
    thumbnails: Thumbnails,
    *,
    progress: Progress,
    retry_failed: bool = False,
    wanted: npt.NDArray[np.bool_],
) -> None:
    """Predict the images of the rows `wanted` (N,) bool that `entry` lacks. Whatever ends it, what was
    predicted is kept.

    One process at a time indexes one variant; another waits and then finds the work done. Raises StoreError,
    InferenceError, and Cancelled from `progress`.
    """
    from core.inference import predict_images

    with run_lock(entry, progress):
        rows = missing_rows(entry, dataset, retry_failed=retry_failed)
        rows = rows[rows.index.isin(dataset.table["sha"].astype(str)[wanted])]
        with _Collector(entry, dataset, rows, thumbnails) as collector:
            progress(0, len(rows), "images")
            batches = predict_images(engine, checkpoint.card.preprocessing, collector.images())
            for batch in batches:
                collector.take(batch)
                progress(collector.seen, len(rows), "images")
        compact(entry.folder)
        read_snapshot(entry)


def index_thumbnails(dataset: Dataset, thumbnails: Thumbnails, *, progress: Progress) -> None:
    """Make the thumbnails of `dataset` that are not stored. Raises StoreError, Cancelled by `progress`."""
    rows = rows_of(dataset)
    missing = thumbnails.missing(rows.index)
    items = ((sha, int(rows[sha])) for sha in missing)
    for done in range(0, len(missing), THUMBNAIL_CHUNK):
        progress(done, len(missing), "thumbnails")
        thumbnails.add(dict(make_thumbnails(dataset, islice(items, THUMBNAIL_CHUNK))))
    if missing:
        compact(thumbnails.folder)


class _Collector:
    """Gathers what the network says, by sha, and commits it now and then and at the end, however it ends."""

    def __init__(self, entry: Entry, dataset: Dataset, rows: pd.Series[int], thumbnails: Thumbnails) -> None:
        self.entry, self.dataset, self.rows, self.thumbnails = entry, dataset, rows, thumbnails
        self.seen = 0
        self._without = set(thumbnails.missing(rows.index))
        self._sent: list[str] = []
        self._small: dict[str, Future[bytes | None]] = {}
        self._found = FeatureRows(entry.variant)
        self._since = time.monotonic()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="thumbnail")

    def __enter__(self) -> _Collector:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with suppress(*(() if kind is None else (StoreError,))):  # the first error is the one to tell
                self.commit()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def images(self) -> Iterator[bytes]:
        """The images' bytes, as they are asked for; files that are gone or changed are passed over."""
        for sha, row in self.rows.items():
            try:
                data = read_image(self.dataset, int(row))
            except DataError:
                continue
            self._sent.append(str(sha))
            if sha in self._without:
                self._small[str(sha)] = self._pool.submit(make_thumbnail, data)
            yield data

    def take(self, batch: Batch) -> None:
        """Keep a batch's results; commit when there are enough."""
        self._found.add([self._sent[position] for position in batch.positions], batch.outputs)
        for position, error in batch.failed:
            self._found.fail(self._sent[position], failure_text(error))
        self.seen += len(batch.positions) + len(batch.failed)
        if len(self._found) >= COMMIT_ROWS or time.monotonic() - self._since > COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Write what is there: first the features, then the thumbnails that are ready."""
        found, self._found = self._found, FeatureRows(self.entry.variant)
        append_rows(self.entry, found)
        small = {sha: self._small.pop(sha) for sha in found.shas if sha in self._small}
        self.thumbnails.add({sha: jpeg for sha, future in small.items() if (jpeg := future.result())})
        self._since = time.monotonic()


def missing_rows(entry: Entry, dataset: Dataset, *, retry_failed: bool) -> pd.Series[int]:
    """The images that `entry` lacks: sha -> row."""
    rows = rows_of(dataset)
    snapshot = read_snapshot(entry)
    if snapshot is None:
        return rows
    aligned = Alignment.of(dataset, snapshot)
    known = aligned.order >= 0
    if retry_failed and aligned.failed.any():
        delete(entry.folder, list(aligned.failures()))
        known = aligned.present
    return rows[~known[rows.to_numpy()]]


@contextmanager
def run_lock(entry: Entry, progress: Progress) -> Iterator[None]:
    """Hold the right to index one variant; `progress` is told while another process has it."""
    lock = FileLock(entry.folder / RUN_LOCK)
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            progress(0, 0, "waiting for another process that indexes this data")
    try:
        yield
    finally:
        lock.release()


def failure_text(error: ImageError) -> str:
    """Why an image cannot be read, as the store keeps it."""
    return " ".join(part for part in (error.title, error.cause) if part)
