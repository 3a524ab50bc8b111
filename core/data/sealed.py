"""Cached tables that are whole or are not there: Arrow behind a checksum, in one file."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import feather

from core.files import atomic_write

MAGIC = b"VTS1"
KEY = b"vitrine"


def write_sealed(path: Path, frame: pd.DataFrame, note: dict[str, Any]) -> None:
    """Write `frame` and `note` (JSON values) to `path` atomically. Raises OSError, the old file intact."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    metadata = {**(table.schema.metadata or {}), KEY: json.dumps(note, ensure_ascii=False).encode()}
    buffer = io.BytesIO()
    feather.write_feather(table.replace_schema_metadata(metadata), buffer, compression="lz4")
    body = buffer.getvalue()
    atomic_write(path, MAGIC + hashlib.sha256(body).digest() + body)


def read_sealed(path: Path) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """The frame and note of `path`; None when it is missing or any byte of it is not what was written."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 32
    body = memoryview(data)[start:]
    if not data.startswith(MAGIC) or hashlib.sha256(body).digest() != data[len(MAGIC) : start]:
        return None
    table = feather.read_table(pa.BufferReader(pa.py_buffer(body)))
    return table.to_pandas(), json.loads(table.schema.metadata[KEY])
