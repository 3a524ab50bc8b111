"""What people made (marks, slices): a JSON file that is read whole and changed by one writer at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from core.errors import StoreError

Record = TypeVar("Record")
PATIENCE = 10.0
"""Seconds to wait for another writer."""


def read_records(file: Path, name: str, parse: Callable[[Any], Record], what: str) -> tuple[Record, ...]:
    """The records under `name`, in order; none where there is no file. `what` names them in an error.

    Raises StoreError for a damaged file, which is left as it is.
    """
    try:
        return tuple(parse(one) for one in json.loads(file.read_text("utf-8"))[name])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"{what} cannot be read",
            cause=f"{file}: {error}",
            fix="Restore the file from a copy, or move it away to begin anew.",
        ) from error


@contextmanager
def writing_alone(file: Path, what: str) -> Iterator[None]:
    """Nobody else writes the file meanwhile: of two people's changes none is lost.

    Raises StoreError where the folder cannot be written or another writer does not end.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=PATIENCE):
            yield
    except (OSError, Timeout) as error:
        raise StoreError(
            f"{what} could not be saved",
            cause=f"{file}: {error}",
            fix="Free some disk space or make the folder writable, then do it again.",
        ) from error
