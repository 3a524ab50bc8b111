"""A data set's image files as bytes, each checked to be the image that the data set names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pandas as pd

from core.data.dataset import Dataset
from core.data.images import decode_rgb, read_bytes, thumbnail_jpeg
from core.errors import DataError, ImageError
from core.files import sha256_bytes
from core.store.thumbnails import SIZE


def rows_of(dataset: Dataset) -> pd.Series[int]:
    """The first row of every distinct image: sha -> row, in the data set's order."""
    rows = pd.Series(range(len(dataset)), index=dataset.table["sha"].astype(str))
    return rows[~rows.index.duplicated()]


def read_image(dataset: Dataset, row: int) -> bytes:
    """The bytes of row `row`'s image. Raises DataError where it is gone or is no longer the image it was."""
    data = read_bytes(dataset.file(row))
    sha = str(dataset.table["sha"].iat[row])
    if sha256_bytes(data) != sha:
        raise DataError(
            f"{dataset.table['path'].iat[row]} has changed",
            cause="Its content is no longer what it was when the data set was opened.",
            fix="Open the data set again.",
        )
    return data


def make_thumbnail(data: bytes) -> bytes | None:
    """JPEG bytes of at most `SIZE` pixels a side, or None where the image cannot be decoded."""
    try:
        return thumbnail_jpeg(decode_rgb(data), SIZE)
    except ImageError:
        return None


def make_thumbnails(dataset: Dataset, rows: Iterable[tuple[str, int]]) -> Iterator[tuple[str, bytes]]:
    """Thumbnails of (sha, row) pairs, those that can be made, on two threads."""

    def make(item: tuple[str, int]) -> tuple[str, bytes | None]:
        try:
            return item[0], make_thumbnail(read_image(dataset, item[1]))
        except DataError:
            return item[0], None

    with ThreadPoolExecutor(2, thread_name_prefix="thumbnail") as pool:
        for sha, jpeg in pool.map(make, rows):
            if jpeg is not None:
                yield sha, jpeg
