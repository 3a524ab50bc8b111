"""A table's columns as flat files that open in milliseconds: a cache of the LanceDB table, never its master.

Opening a table through LanceDB costs its import (1.3 s). A snapshot holds one version of a table, named by
the table's version token: `TOKEN.arrow` (sha, status and logits, memory-mapped), `TOKEN.bin` (embeddings)
and `TOKEN.json` (lengths and CRC-32 of both, written last). Anything missing, stale or damaged in it is a
miss, and the table is read again and checked row by row.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.files import atomic_path, atomic_write_json
from core.store.checks import row_checks
from core.store.predictions import Embeddings
from core.store.table import open_table, reading, unreadable, version_token
from core.store.variant import Entry, Variant

FOLDER = "snapshot"
_TRIES = 5
_ABANDONED = 3600.0
"""Seconds after which a temporary file belongs to a process that was killed."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One version of a variant's table; row order is the table's."""

    folder: Path
    token: str
    shas: pa.Array
    """(R,) string."""
    status: pa.Array
    """(R,) string: "" where the image was predicted, else why it was not."""
    logits: tuple[npt.NDArray[np.float32], ...]
    """Per head (R, L) float32, read-only; meaningless where status is not ""."""
    embeddings: Callable[[], Embeddings]
    """Reads (R, D) float16 or float32 and checks it. Raises OSError or ValueError: gone or damaged."""


def read_snapshot(entry: Entry) -> Snapshot | None:
    """The newest version of `entry`'s table, or None where nothing was written.

    A writer may commit while this runs: then the read starts again, and at the last try what was read is
    returned (a whole version, though no longer the newest). Raises StoreError when the table is damaged.
    """
    found = None
    for _ in range(_TRIES):
        token = version_token(entry.folder)
        if not token:
            return None
        if (found := _load(entry, token)) is not None:
            return found
        try:
            _build(entry, token)
        except OSError:  # full or read-only: a cache that cannot be written is done without
            return _in_memory(entry, token)
        found = _load(entry, token)
        if found is not None and version_token(entry.folder) == token:
            _sweep(entry.folder, token)
            return found
    return found or _in_memory(entry, version_token(entry.folder))


def forget(entry: Entry) -> None:
    """Make the next read build the snapshot anew."""
    for path in (entry.folder / FOLDER).glob("*.json"):
        path.unlink(missing_ok=True)


def _load(entry: Entry, token: str) -> Snapshot | None:
    """The snapshot of that token, or None where it is missing or damaged in any way."""
    base = entry.folder / FOLDER
    try:
        facts = json.loads((base / f"{token}.json").read_bytes())
        source = pa.memory_map(str(base / f"{token}.arrow")).read_buffer()
        if crc32(source) != facts["crc"] or facts["token"] != token:
            return None
        table = pa.ipc.open_file(source).read_all()
        vectors = base / f"{token}.bin"
        if vectors.stat().st_size != facts["embedding_bytes"]:
            return None
        shape = (table.num_rows, entry.variant.embedding_dim)
        read = partial(
            _read_vectors, vectors, str(facts["embedding_type"]), shape, int(facts["embedding_crc"])
        )
        return _snapshot(entry, token, table, read)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _read_vectors(path: Path, kind: str, shape: tuple[int, int], crc: int) -> Embeddings:
    if kind not in ("float16", "float32"):
        raise ValueError(f"embeddings of type {kind}")
    found: Embeddings = np.fromfile(path, dtype=np.dtype(kind))
    if crc32(found.data) != crc:
        raise ValueError("the embeddings' checksum does not match")
    return found.reshape(shape)


def _snapshot(entry: Entry, token: str, table: pa.Table, read: Callable[[], Embeddings]) -> Snapshot:
    table = table.combine_chunks()
    shas, status = (joined(table[name]) for name in ("sha", "status"))
    logits = tuple(matrix(table[name]) for name in logit_columns(entry.variant))
    return Snapshot(entry.folder, token, shas, status, logits, read)


def _build(entry: Entry, token: str) -> None:
    """Stream the table into the snapshot's files. Raises OSError (disk full), StoreError (damaged table)."""
    base = entry.folder / FOLDER
    with ExitStack() as files:
        rows = files.enter_context(atomic_path(base / f"{token}.arrow"))
        vectors = files.enter_context(atomic_path(base / f"{token}.bin"))
        with vectors.open("wb") as stream:
            facts = _copy(entry, rows, stream)
    facts["crc"] = crc32(pa.memory_map(str(base / f"{token}.arrow")).read_buffer())
    atomic_write_json(base / f"{token}.json", {"token": token, **facts})


def _copy(entry: Entry, rows: Path, vectors: BinaryIO) -> dict[str, Any]:
    crc = size = 0
    kind, writer = "float16", None
    keep = ["sha", "status", *logit_columns(entry.variant)]
    with ExitStack() as stack:
        for batch in checked_batches(entry):
            if writer is None:
                schema = batch.select(keep).schema
                writer = stack.enter_context(pa.ipc.new_file(str(rows), schema))
            writer.write_table(batch.select(keep))
            block = matrix(batch["embedding"])
            data = np.ascontiguousarray(block).reshape(-1).data.cast("B")
            kind, size, crc = str(block.dtype), size + len(data), crc32(data, crc)
            vectors.write(data)
    if writer is None:
        raise unreadable(entry.folder, "the table has no rows")
    return {"embedding_type": kind, "embedding_bytes": size, "embedding_crc": crc}


def _in_memory(entry: Entry, token: str) -> Snapshot | None:
    """The table read without writing anything."""
    batches = list(checked_batches(entry))
    if not batches:
        return None
    table = pa.concat_tables(batches)
    block = matrix(table["embedding"])
    return _snapshot(entry, token, table, lambda: block)


def checked_batches(entry: Entry) -> Iterator[pa.Table]:
    """The table in batches whose every row has been checked against its checksum. Raises StoreError."""
    table = open_table(entry.folder)
    if table is None:
        return
    with reading(entry.folder):
        for batch in table.search().limit(None).to_batches():
            yield _checked(entry, pa.Table.from_batches([batch]))


def _checked(entry: Entry, batch: pa.Table) -> pa.Table:
    names = [*logit_columns(entry.variant), "embedding"]
    arrays = [matrix(batch[name]) for name in names]
    widths = [*(len(labels) for labels in entry.variant.taxonomy.values()), entry.variant.embedding_dim]
    if [array.shape[1] for array in arrays] != widths:
        raise unreadable(entry.folder, "the columns of rows.lance are not those of this checkpoint.")
    wanted = row_checks(batch["sha"].to_pylist(), batch["status"].to_pylist(), arrays)
    if not np.array_equal(wanted, batch["check"].to_numpy()):
        raise unreadable(entry.folder, "rows of rows.lance do not match their checksums.")
    return batch


def _sweep(folder: Path, token: str) -> None:
    """Drop the snapshots of older versions; a process that still maps one keeps it until it lets go."""
    for path in (folder / FOLDER).iterdir():
        with suppress(FileNotFoundError):
            unfinished = path.suffix == ".tmp"
            if path.stem != token and (not unfinished or time.time() - path.stat().st_mtime > _ABANDONED):
                path.unlink()


def logit_columns(variant: Variant) -> list[str]:
    """The names of the logits' columns, one per head in the variant's order."""
    return [f"logits_{index}" for index in range(len(variant.taxonomy))]


def joined(found: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without a copy where it is one chunk."""
    whole = found.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], type=whole.type)
    return whole


def matrix(found: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A fixed-size-list column as an array (R, W). Raises ValueError where a value is missing."""
    chunk = joined(found)
    values = chunk.flatten()
    if chunk.null_count or values.null_count:
        raise ValueError("a value is missing")
    return np.asarray(values.to_numpy(zero_copy_only=True)).reshape(len(chunk), chunk.type.list_size)
