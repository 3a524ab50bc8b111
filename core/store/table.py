"""A LanceDB table on disk: opened, appended to under a lock, compacted; its failures told as StoreError.

Only this module and those that call it with a table import lancedb (1.3 s, 110 MB): reading goes through
`core.store.snapshot`, which needs it only when the table has changed.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from core.errors import StoreError, VitrineError

NAME = "rows"
LOCK_FILE = "write.lock"
KEEP_VERSIONS = timedelta(minutes=10)
"""How long an old version stays on disk, so that a reader that has just opened it can finish."""
MANY_COMMITS = 32
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_TEXT = ("no space left", "disk quota exceeded", "file too large")


def version_token(folder: Path) -> str:
    """What `folder`'s table looks like now, without opening it: "" where there is no table.

    Every commit adds a manifest to the table's `_versions`; the token is a hash over their names, sizes and
    times.
    """
    try:
        with os.scandir(folder / f"{NAME}.lance" / "_versions") as found:
            files = [(entry.name, entry.stat()) for entry in found if entry.name.endswith(".manifest")]
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise unreadable(folder, error) from error
    text = "\n".join(sorted(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in files))
    return hashlib.sha256(text.encode()).hexdigest()[:32] if files else ""


def open_table(folder: Path) -> Any:
    """The table in `folder` at its newest version, or None where there is none. Raises StoreError."""
    if not version_token(folder):
        return None
    import lancedb

    with reading(folder):
        return lancedb.connect(folder).open_table(NAME)


def append(folder: Path, rows: pa.Table, *, timeout: float = 60.0) -> None:
    """Add `rows` in one atomic commit: after a crash all of them are there or none. Raises StoreError.

    A row whose `sha` another process has added meanwhile is left out: two writers lose and double nothing.
    """
    import lancedb

    with write_lock(folder, timeout), writing(folder):
        table = open_table(folder)
        if table is None:
            lancedb.connect(folder).create_table(NAME, rows)
        else:
            known = set(column(table, "sha").to_pylist())
            fresh = [sha not in known for sha in rows["sha"].to_pylist()]
            if any(fresh):
                table.add(rows.filter(pa.array(fresh)))


def delete(folder: Path, shas: list[str]) -> None:
    """Take rows out, by sha. Raises StoreError."""
    names = ", ".join(f"'{sha}'" for sha in shas if sha.isalnum())  # nothing else can be in a filter's text
    with write_lock(folder), writing(folder):
        table = open_table(folder)
        if table is not None and names:
            table.delete(f"sha in ({names})")


def compact(folder: Path) -> None:
    """Join small files and drop old versions, where there are many. Raises StoreError."""
    if commits(folder) <= MANY_COMMITS:
        return
    with write_lock(folder), writing(folder):
        table = open_table(folder)
        if table is not None:
            table.optimize(cleanup_older_than=KEEP_VERSIONS)


def commits(folder: Path) -> int:
    """How many versions of the table are on disk."""
    return sum(1 for _ in (folder / f"{NAME}.lance" / "_versions").glob("*.manifest"))


def column(table: Any, name: str) -> pa.ChunkedArray:
    """One column of an open table."""
    return table.search().select([name]).limit(None).to_arrow()[name]


@contextmanager
def write_lock(folder: Path, timeout: float = 60.0, name: str = LOCK_FILE) -> Iterator[None]:
    """Hold `folder`'s lock between processes; the system frees it when its holder dies. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / name, timeout=timeout):
            yield
    except Timeout as error:
        raise StoreError(
            "Another process is writing to the feature store",
            cause=f"{folder / name} was locked for {timeout:.0f} s.",
            fix="Wait until it is done.",
        ) from error
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Tell any failure of LanceDB (it raises many types, panics among them) as StoreError."""
    try:
        yield
    except VitrineError:
        raise
    except Exception as error:
        raise unreadable(folder, error) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """The same for writes: a full disk is named as such."""
    try:
        yield
    except VitrineError:
        raise
    except Exception as error:
        raise unwritable(folder, error) from error


def unreadable(folder: Path, error: BaseException | str) -> StoreError:
    """The error of a table that is damaged."""
    return StoreError(
        "Part of the feature store is damaged",
        cause=f"{folder}: {_short(error)}",
        fix=f"Delete {folder} and run index again: what it holds can be computed anew.",
    )


def unwritable(folder: Path, error: BaseException) -> StoreError:
    """The error of a write that failed: what was stored before is intact."""
    full = getattr(error, "errno", None) in _FULL or any(text in str(error).lower() for text in _FULL_TEXT)
    if not full:
        return StoreError(
            "The feature store cannot be written",
            cause=f"{folder}: {_short(error)}",
            fix=f"Check that {folder} may be written; if it may, delete it and run index again.",
        )
    return StoreError(
        "The disk is full",
        cause=f"{folder}: {_short(error)}",
        fix="Make room, or set VITRINE_CACHE to another disk, and run index again: what was stored is kept.",
    )


def _short(error: BaseException | str) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
