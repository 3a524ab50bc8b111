"""The pictures that pages show: which may be served, and JPEG bytes kept ready for them.

Only images of data sets that a page has opened can be had. Thumbnails come from the feature store; one that
is missing there is made from the image. Shared by the HTTP routes and by the gallery, safe between threads.
"""

from __future__ import annotations

import base64
import io
import logging
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Protocol

import streamlit as st

from core.data import Dataset
from core.data.images import decode_rgb, thumbnail_jpeg
from core.errors import VitrineError

log = logging.getLogger(__name__)

SMALL = 600_000
"""Pixels up to which a photograph is shrunk in a few milliseconds."""

FULL = 1600
"""Longest side of the full-size view in pixels."""


class Thumbnails(Protocol):
    """What a feature store offers here: JPEG bytes by SHA-256 of the source image, made from `dataset` and
    kept where they were absent; images that cannot be read are left out."""

    def thumbnails(self, shas: Sequence[str], *, dataset: Dataset | None = None) -> dict[str, bytes]: ...


class Recent:
    """Byte strings by key, the least recently used dropped once all together exceed `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._items: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The bytes under `key`, now the most recently used, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep `data` under `key`."""
        with self._lock:
            self._held += len(data) - len(self._items.pop(key, b""))
            self._items[key] = data
            while self._held > self._limit and len(self._items) > 1:
                self._held -= len(self._items.popitem(last=False)[1])


class Pictures:
    """The pictures of the opened data sets."""

    def __init__(
        self,
        *,
        thumbnail_bytes: int = 48 << 20,
        full_bytes: int = 24 << 20,
        loaded: Callable[[], bool] = lambda: "lancedb" in sys.modules,
    ) -> None:
        """`loaded` tells whether the store's library is there already: it takes a second to import."""
        self._loaded = loaded
        self._opened: dict[str, tuple[Dataset, Thumbnails | None]] = {}
        self._rows: dict[str, dict[str, dict[str, int]]] = {}
        self._thumbnails = Recent(thumbnail_bytes)
        self._full = Recent(full_bytes)
        self._coming: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="thumbnails")

    def publish(self, dataset: Dataset, store: Thumbnails | None = None) -> None:
        """Allow the pictures of `dataset` to be served. Cheap when it is already."""
        known = self._opened.get(dataset.fingerprint)
        if known is None or known[0] is not dataset:
            with self._lock:
                self._opened[dataset.fingerprint] = (dataset, store)
                self._rows.pop(dataset.fingerprint, None)

    def prefetch(self, dataset: Dataset, shas: Iterable[str]) -> None:
        """Read these thumbnails in one go in the background; requests for them wait for that one read."""
        wanted = [sha for sha in dict.fromkeys(shas) if self._thumbnails.get(sha) is None]
        with self._lock:
            wanted = [sha for sha in wanted if sha not in self._coming]
            if not wanted:
                return
            job = self._reader.submit(self._read, dataset.fingerprint, wanted)
            self._coming.update(dict.fromkeys(wanted, job))

    def thumbnail(self, sha: str) -> bytes | None:
        """JPEG of the image with this SHA-256, or None where no opened data set has it.

        Raises VitrineError where the image cannot be read.
        """
        coming = self._coming.get(sha)
        if coming is not None:
            wait([coming], timeout=5.0)
        found = self._thumbnails.get(sha)
        if found is not None:
            return found
        place = self._find("sha", sha)
        if place is None:
            return None
        dataset, row, store = place
        data = self._stored(dataset, store, [sha]).get(sha)
        if data is None:
            data = thumbnail_jpeg(decode_rgb(dataset.file(row)))
            self._thumbnails.put(sha, data)
        return data

    def full(self, fingerprint: str, image_id: str) -> bytes | None:
        """JPEG of one image, re-encoded and at most `FULL` pixels long, or None where it is not known.

        Raises VitrineError where the image cannot be read.
        """
        key = f"{fingerprint}/{image_id}"
        found = self._full.get(key)
        place = self._find("image_id", image_id, fingerprint) if found is None else None
        if place is not None:
            found = _full_jpeg(place[0], place[1])
            self._full.put(key, found)
        return found

    def _find(
        self, column: str, value: str, fingerprint: str | None = None
    ) -> tuple[Dataset, int, Any] | None:
        for print_, (dataset, store) in list(self._opened.items()):
            if fingerprint in (None, print_):
                row = self._numbered(dataset, column).get(value)
                if row is not None:
                    return dataset, row, store
        return None

    def _numbered(self, dataset: Dataset, column: str) -> dict[str, int]:
        """Row by the value of `column`, built once for each opened data set."""
        columns = self._rows.setdefault(dataset.fingerprint, {})
        if column not in columns:
            columns[column] = {value: row for row, value in enumerate(dataset.table[column].astype(str))}
        return columns[column]

    def _read(self, fingerprint: str, shas: list[str]) -> None:
        try:
            dataset, store = self._opened[fingerprint]
            self._stored(dataset, store, shas)
        finally:
            with self._lock:
                for sha in shas:
                    self._coming.pop(sha, None)

    def _stored(self, dataset: Dataset, store: Thumbnails | None, shas: list[str]) -> dict[str, bytes]:
        """What the store has or makes, now held here too. A store that cannot be read only costs time."""
        if store is None or self._quicker_made(dataset, shas[0]):
            return {}
        try:
            found = store.thumbnails(shas, dataset=dataset)
        except VitrineError as error:
            log.warning("thumbnails could not be read: %s", str(error).replace("\n", " "))
            return {}
        for sha, data in found.items():
            self._thumbnails.put(sha, data)
        return found

    def _quicker_made(self, dataset: Dataset, sha: str) -> bool:
        """Whether a fresh server shows small photographs sooner by shrinking them than by loading it."""
        if self._loaded():
            return False
        row = self._numbered(dataset, "sha").get(sha, 0)
        return int(dataset.table["width"].iat[row]) * int(dataset.table["height"].iat[row]) <= SMALL


def _full_jpeg(dataset: Dataset, row: int) -> bytes:
    image = decode_rgb(dataset.file(row))
    image.thumbnail((FULL, FULL))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=92, subsampling=0)
    return stream.getvalue()


PICTURES = Pictures()
"""The process's pictures: published by pages, read by the routes."""

_served = False


def serve_by_route() -> None:
    """Say that `/img/...` answers in this process, so that pages send addresses and not bytes."""
    global _served
    _served = True


def served_by_route() -> bool:
    """Whether routes answer in this process."""
    return _served


def base_path() -> str:
    """The path that the app is served under: "" or "/something"."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def thumbnail_address(dataset: Dataset, row: int) -> str:
    """Where a browser finds the thumbnail of `row`: the route, or a data address where there is none."""
    sha = str(dataset.table["sha"].iat[row])
    return f"{base_path()}/img/{sha}.jpg" if _served else _inline(lambda: PICTURES.thumbnail(sha))


def full_address(dataset: Dataset, row: int) -> str:
    """Where a browser finds the full-size view of `row`."""
    image_id = str(dataset.table["image_id"].iat[row])
    route = f"{base_path()}/img/full/{dataset.fingerprint}/{image_id}.jpg"
    return route if _served else _inline(lambda: PICTURES.full(dataset.fingerprint, image_id))


def _inline(read: Callable[[], bytes | None]) -> str:
    try:
        data = read()
    except VitrineError:
        data = None  # the card shows its own "unreadable" mark when it has no address
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else ""
