"""Thumbnails by image sha: one LanceDB table for all data sets, filled by `index` and on demand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from core.errors import StoreError
from core.store.checks import blob_check
from core.store.table import (
    MANY_COMMITS,
    append,
    commits,
    compact,
    delete,
    open_table,
    reading,
    version_token,
)

SIZE = 192
"""Longest side in pixels."""
FOLDER = f"thumbnails-{SIZE}-1"
"""Size and version of the table's layout."""
PATIENCE = 2.0
"""Seconds that a page waits for the writer's lock before it shows thumbnails without storing them."""

log = logging.getLogger(__name__)


class Thumbnails:
    """The table, and in memory where each sha lies in it. Safe for threads and processes."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self._lock = threading.Lock()
        self._token = ""
        self._table: Any = None
        self._rows: dict[str, int] = {}

    def get(self, shas: Iterable[str]) -> dict[str, bytes]:
        """JPEG bytes of those `shas` that are stored. Raises StoreError where the table is damaged.

        A thumbnail whose checksum does not match is taken out of the table and missing from the answer.
        """
        wanted = list(dict.fromkeys(shas))
        with self._lock:
            if any(sha not in self._rows for sha in wanted):
                self._refresh()
            try:
                found = self._take(wanted)
            except StoreError:  # the version that was open is gone: another process has compacted the table
                self._token = ""
                self._refresh()
                found = self._take(wanted)
        good = {sha: jpeg for sha, jpeg, check in found if blob_check(sha, jpeg) == check}
        if len(good) < len(found):
            self._drop([sha for sha, _, _ in found if sha not in good])
        return good

    def missing(self, shas: Iterable[str]) -> list[str]:
        """Those `shas` that are not stored, in order and once each. Raises StoreError."""
        with self._lock:
            self._refresh()
            return [sha for sha in dict.fromkeys(shas) if sha not in self._rows]

    def add(self, found: Mapping[str, bytes], *, timeout: float = 60.0) -> None:
        """Store thumbnails in one commit. Raises StoreError (disk full, locked for `timeout` seconds)."""
        if found:
            append(self.folder, _rows(found), timeout=timeout)

    def offer(self, found: Mapping[str, bytes]) -> None:
        """Store thumbnails if that can be done now; they can be made again, so a failure is only logged."""
        try:
            self.add(found, timeout=PATIENCE)
            if commits(self.folder) % MANY_COMMITS == 0:  # not at every page view
                compact(self.folder)
        except StoreError as error:
            log.warning("thumbnails were not stored: %s", str(error).replace("\n", " "))

    def _refresh(self) -> None:
        token = version_token(self.folder)
        if token == self._token:
            return
        table = open_table(self.folder)
        if table is None:
            self._rows = {}
        else:
            with reading(self.folder):
                columns = table.search().select(["sha"]).with_row_id(True).limit(None).to_arrow()
            self._rows = dict(zip(columns["sha"].to_pylist(), columns["_rowid"].to_pylist(), strict=True))
        self._table, self._token = table, token

    def _take(self, shas: Sequence[str]) -> list[tuple[str, bytes, int]]:
        rows = [self._rows[sha] for sha in shas if sha in self._rows]
        if not rows:
            return []
        with reading(self.folder):
            found = self._table.take_row_ids(rows).to_arrow()
            columns = [found[name].to_pylist() for name in ("sha", "jpeg", "check")]
        return list(zip(*columns, strict=True))

    def _drop(self, shas: list[str]) -> None:
        log.warning("%d thumbnails were damaged and are made again", len(shas))
        with suppress(StoreError):
            delete(self.folder, shas)


def _rows(found: Mapping[str, bytes]) -> pa.Table:
    return pa.table(
        {
            "sha": pa.array(found.keys(), pa.string()),
            "jpeg": pa.array(found.values(), pa.large_binary()),
            "check": pa.array([blob_check(sha, jpeg) for sha, jpeg in found.items()], pa.uint32()),
        }
    )
