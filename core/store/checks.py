"""A checksum per row: LanceDB's files carry none, and a flipped bit in them would be read as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

Checks = npt.NDArray[np.uint32]


def row_checks(shas: Sequence[str], statuses: Sequence[str], arrays: Sequence[npt.NDArray[Any]]) -> Checks:
    """CRC-32 (N,) uint32 of each row: its sha, status and row of every array (N, ...), in this order."""
    count = len(shas)
    blocks = [np.ascontiguousarray(array).reshape(count, -1).view(np.uint8) for array in arrays if count]
    table = np.concatenate(blocks, axis=1) if blocks else np.zeros((count, 0), dtype=np.uint8)
    flat, width = table.reshape(-1).data, table.shape[1]
    found = (
        crc32(status.encode(), crc32(flat[row * width : (row + 1) * width], crc32(sha.encode())))
        for row, (sha, status) in enumerate(zip(shas, statuses, strict=True))
    )
    return np.fromiter(found, dtype=np.uint32, count=count)


def blob_check(sha: str, data: bytes) -> int:
    """CRC-32 of a sha and the bytes stored under it."""
    return crc32(data, crc32(sha.encode()))
