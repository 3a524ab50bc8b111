"""Run by the fault tests in processes of their own: writes known rows into a store, batch by batch.

`python -m tests.faults.store_writer ROOT KIND FIRST COUNT [LIMIT ...]`: KIND is features or thumbnails.
Prints "ready", then "done" or the title of the error. With limits it tries once under each, which is the
largest size that a file may take (a full disk), and waits for a line on stdin after each try.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from pathlib import Path

import numpy as np

from core.errors import StoreError
from core.inference import Outputs
from core.store.features import FeatureRows, append_rows
from core.store.snapshot import read_snapshot
from core.store.table import compact
from core.store.thumbnails import Thumbnails
from core.store.variant import Variant, make_entry

BATCH = 16
DIMENSION = 32
VARIANT = Variant("c" * 64, {"size": 16}, "torch", "f32", {"class": ["a", "b", "c"]}, DIMENSION)


def sha(number: int) -> str:
    """The made-up sha of row `number`."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def outputs(numbers: range) -> Outputs:
    """What the row of each number must hold."""
    column = np.array(numbers, dtype=np.float32)[:, None]
    return Outputs(column / 64 + np.arange(DIMENSION, dtype=np.float32), {"class": column * [[1, -1, 0.5]]})


def jpeg(number: int) -> bytes:
    """What the thumbnail of each number must hold."""
    return sha(number).encode() * (20 + number % 50)


def write(root: Path, kind: str, numbers: range) -> None:
    """Commit the rows in batches."""
    entry = make_entry(root, VARIANT, "fake")
    thumbnails = Thumbnails(root)
    for first in range(numbers.start, numbers.stop, BATCH):
        batch = range(first, min(first + BATCH, numbers.stop))
        if kind == "features":
            rows = FeatureRows(VARIANT)
            rows.add([sha(number) for number in batch], outputs(batch))
            append_rows(entry, rows)
            compact(entry.folder)
            read_snapshot(entry)
        else:
            thumbnails.add({sha(number): jpeg(number) for number in batch})
            compact(thumbnails.folder)


def main() -> None:
    """See the module's docstring."""
    import lancedb  # noqa: F401  (so that "ready" means ready to write)

    root, kind, first, count, *limits = sys.argv[1:]
    print("ready", flush=True)
    for limit in limits or [resource.RLIM_INFINITY]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
        try:
            write(Path(root), kind, range(int(first), int(first) + int(count)))
        except StoreError as error:
            print(error.title, flush=True)
        else:
            print("done", flush=True)
        if limits:
            sys.stdin.readline()


if __name__ == "__main__":
    main()
