"""What is known of each image file: its hash and size in pixels, or why it cannot be used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path

import pandas as pd

from core.data.images import decode_rgb, read_bytes
from core.data.sealed import read_sealed, write_sealed
from core.errors import ImageError
from core.files import cache_key, sha256_bytes
from core.progress import Progress

SCHEMA = "image-facts-1"
WORKERS = min(8, os.cpu_count() or 1)
BATCH = 16
"""Images that one task of a worker thread decodes."""


@dataclass(frozen=True)
class Fact:
    """One image file: `sha` is the SHA-256 of its bytes; `fault` is "" or why it cannot be used."""

    sha: str
    width: int
    height: int
    fault: str = ""


Stamped = tuple[str, int, int]
"""(path relative to the root, size in bytes, mtime in ns)"""


def examine(
    root: Path, stamped: Iterable[Stamped], *, max_pixels: int, cache: Path | None, progress: Progress
) -> tuple[dict[str, Fact], str]:
    """The fact of every file by its path, and why they could not be cached ("" when they were).

    Files whose size and mtime are as cached are not opened again. Work that was finished is kept when
    `progress` raises Cancelled.
    """
    wanted = list(stamped)
    file = None if cache is None else facts_file(cache, root, max_pixels)
    known = {} if file is None else _read(file)
    todo = [entry for entry in wanted if entry not in known]
    if not todo:
        return {path: known[path, size, mtime] for path, size, mtime in wanted}, ""
    try:
        for entry, fact in _decoded(root, todo, max_pixels, progress):
            known[entry] = fact
    finally:
        note = (
            "" if file is None else _write(file, {entry: known[entry] for entry in wanted if entry in known})
        )
    return {path: known[path, size, mtime] for path, size, mtime in wanted}, note


def facts_file(cache: Path, root: Path, max_pixels: int) -> Path:
    """Where the facts of the images under `root` are cached."""
    return cache / "datasets" / f"{cache_key(SCHEMA, root=str(root), max_pixels=max_pixels)}.images"


def _decoded(
    root: Path, todo: list[Stamped], max_pixels: int, progress: Progress
) -> Iterator[tuple[Stamped, Fact]]:
    """Decode in threads (Pillow and hashing release the lock), a bounded number of batches ahead."""
    batches = (todo[start : start + BATCH] for start in range(0, len(todo), BATCH))
    done = 0
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="images")
    try:
        progress(0, len(todo), "Reading images")
        waiting = [
            (batch, pool.submit(_facts, root, batch, max_pixels)) for batch in islice(batches, 2 * WORKERS)
        ]
        while waiting:
            batch, future = waiting.pop(0)
            yield from zip(batch, future.result(), strict=True)
            done += len(batch)
            progress(done, len(todo), "Reading images")
            waiting += [(more, pool.submit(_facts, root, more, max_pixels)) for more in islice(batches, 1)]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _facts(root: Path, batch: list[Stamped], max_pixels: int) -> list[Fact]:
    return [fact(root, path, max_pixels) for path, _, _ in batch]


def fact(root: Path, path: str, max_pixels: int) -> Fact:
    """Read, hash and decode one file; a fault is told in the fact, never raised.

    That the file lies within `root` is looked at again: it may have become a link since it was listed.
    """
    sha = ""
    file = Path(os.path.realpath(root / path))
    if not file.is_relative_to(root):
        return Fact(sha, 0, 0, "It is a link that leads outside the data set's folder.")
    try:
        data = read_bytes(file)
        sha = sha256_bytes(data)
        width, height = decode_rgb(data, max_pixels=max_pixels).size
    except ImageError as error:
        return Fact(sha, 0, 0, error.cause or error.title)
    return Fact(sha, width, height)


def _read(file: Path) -> dict[Stamped, Fact]:
    sealed = read_sealed(file)
    if sealed is None:
        return {}
    frame, _ = sealed
    columns = [frame[name].tolist() for name in frame.columns]
    return {(row[0], row[1], row[2]): Fact(*row[3:]) for row in zip(*columns, strict=True)}


def _write(file: Path, known: dict[Stamped, Fact]) -> str:
    names = ["path", "bytes", "mtime_ns", *(field.name for field in fields(Fact))]
    rows = [(*entry, *astuple(value)) for entry, value in known.items() if value.sha]
    try:
        write_sealed(file, pd.DataFrame(rows, columns=names), {"schema": SCHEMA})
    except OSError as error:
        return str(error)
    return ""
