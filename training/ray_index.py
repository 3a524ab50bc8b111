"""Feature extraction by Ray Data: tasks read and decode images, workers run the network, one process commits.

    python -m training.ray_index --data DIR --checkpoint DIR --cache DIR      (as a Ray job)

What comes out is what `python -m core index` stores, in the same tables, whichever machine computed it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.data.images import read_bytes
from core.data.opening import open_dataset
from core.errors import ImageError, VitrineError
from core.files import sha256_bytes
from core.inference import Outputs, open_engine, preprocess
from core.models.card import Preprocessing
from core.models.checkpoint import read_checkpoint
from core.progress import Progress
from core.store.elsewhere import Chunk, Compute, index_elsewhere
from core.store.indexing import failure_text
from core.store.sources import make_thumbnail
from training.command_line import add_ray_workers

BATCH = 32
BLOCK = 256
"""Images per block: what a task decodes, and what is done again when a machine is lost."""
GONE = "gone"
"""Mark of an image whose file is no longer what the data set names; the store keeps no row of it."""
Columns = dict[str, Any]


def decode(batch: Columns, preprocessing: Preprocessing) -> Columns:
    """Columns sha, file, thumbnail (B,) -> sha, pixels (B, 3, S, S) float32, failure, small (JPEG bytes)."""
    size = preprocessing.size
    pixels = np.zeros((len(batch["sha"]), 3, size, size), dtype=np.float32)
    failures, small = [], []
    for row, (sha, file, wanted) in enumerate(
        zip(batch["sha"], batch["file"], batch["thumbnail"], strict=True)
    ):
        data = _read(str(file), str(sha))
        failures.append(GONE if data is None else _fill(pixels[row], data, preprocessing))
        small.append((make_thumbnail(data) if wanted and data is not None else None) or b"")
    return {"sha": batch["sha"], "pixels": pixels, "failure": failures, "small": small}


class Predict:
    """A worker with the network in memory: pixels -> embedding and logits, other columns as they are."""

    def __init__(self, checkpoint: str, engine: str, precision: str, cache: str) -> None:
        opened = read_checkpoint(Path(checkpoint))
        self._engine = open_engine(opened, engine, precision, cache=Path(cache))
        self._widths = [len(task.labels) for task in opened.taxonomy.tasks]
        self._tasks = opened.taxonomy.names
        self._dimension = int(opened.card.embedding_dim)

    def __call__(self, batch: Columns) -> Columns:
        """Rows whose `failure` is not empty are given zeros."""
        count = len(batch["sha"])
        good = np.array([not text for text in batch["failure"]], dtype=bool)
        found = {"embedding": np.zeros((count, self._dimension), np.float32)}
        for number, width in enumerate(self._widths):
            found[f"logits_{number}"] = np.zeros((count, width), np.float32)
        if good.any():
            outputs = self._engine.run(np.ascontiguousarray(batch["pixels"][good]))
            found["embedding"][good] = outputs.embeddings
            for number, task in enumerate(self._tasks):
                found[f"logits_{number}"][good] = outputs.logits[task]
        return {"sha": batch["sha"], "failure": batch["failure"], "small": batch["small"], **found}


def on_ray(options: argparse.Namespace, tasks: tuple[str, ...], preprocessing: Preprocessing) -> Compute:
    """A `Compute` that spreads images over the cluster that `ray` is connected to."""

    def compute(images: pd.DataFrame) -> Iterator[Chunk]:
        import pyarrow as pa
        import ray

        ray.data.DataContext.get_current().enable_progress_bars = False
        blocks = max(options.workers, -(-len(images) // BLOCK))
        source = ray.data.from_arrow(pa.Table.from_pandas(images), override_num_blocks=blocks)
        pixels = source.map_batches(
            decode,
            fn_kwargs={"preprocessing": preprocessing},
            batch_size=BATCH,
            batch_format="numpy",
            zero_copy_batch=True,
        )
        outputs = pixels.map_batches(
            Predict,
            fn_constructor_args=(
                str(options.checkpoint),
                options.engine,
                options.precision,
                str(options.cache),
            ),
            batch_size=BATCH,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=options.workers),
            num_cpus=options.threads,
            num_gpus=1 if options.gpu else 0,
        )
        for batch in outputs.iter_batches(batch_size=BATCH, batch_format="numpy"):
            yield chunk_of(batch, tasks)

    return compute


def chunk_of(batch: Columns, tasks: tuple[str, ...]) -> Chunk:
    """What `Predict` gave, as the store takes it."""
    shas, failures = [str(sha) for sha in batch["sha"]], [str(text) for text in batch["failure"]]
    good = np.array([not text for text in failures], dtype=bool)
    logits = {task: np.asarray(batch[f"logits_{number}"])[good] for number, task in enumerate(tasks)}
    return Chunk(
        shas=[sha for sha, fine in zip(shas, good, strict=True) if fine],
        outputs=Outputs(np.asarray(batch["embedding"])[good], logits),
        failed={sha: text for sha, text in zip(shas, failures, strict=True) if text and text != GONE},
        thumbnails={sha: bytes(jpeg) for sha, jpeg in zip(shas, batch["small"], strict=True) if jpeg},
        passed_over=failures.count(GONE),
    )


def main(arguments: list[str] | None = None) -> int:
    """Index one data set with one checkpoint; exit status 2 with title, cause and fix where it cannot."""
    parser = argparse.ArgumentParser(prog="python -m training.ray_index", description=__doc__)
    for name in ("--data", "--checkpoint", "--cache"):
        parser.add_argument(name, type=Path, required=True, metavar="DIR")
    add_ray_workers(parser)
    options = parser.parse_args(arguments)
    import ray

    ray.init(ignore_reinit_error=True)
    try:
        checkpoint = read_checkpoint(options.checkpoint)
        dataset = open_dataset(options.data, cache=options.cache)
        compute = on_ray(options, checkpoint.taxonomy.names, checkpoint.card.preprocessing)
        done = index_elsewhere(
            options.cache,
            dataset,
            checkpoint,
            compute,
            engine=options.engine,
            precision=options.precision,
            progress=_told(),
        )
    except VitrineError as error:
        print(f"error: {error.title}", *filter(None, (error.cause, error.fix)), sep="\n  ", flush=True)
        return 2
    print(f"Indexed {done} images with {options.workers} workers.", flush=True)
    return 0


def _read(file: str, sha: str) -> bytes | None:
    """The file's bytes if it is still the image with this sha."""
    try:
        data = read_bytes(Path(file))
    except VitrineError:
        return None
    return data if sha256_bytes(data) == sha else None


def _fill(place: Any, data: bytes, preprocessing: Preprocessing) -> str:
    """Decode into `place`; why not, or "" where it went well."""
    try:
        place[:] = preprocess(data, preprocessing)
    except ImageError as error:
        return failure_text(error)
    return ""


def _told() -> Progress:
    """Progress as lines of the job's log, one per tenth."""
    last = -1

    def progress(done: int, total: int, note: str) -> None:
        nonlocal last
        tenth = done * 10 // max(1, total)
        if tenth != last:
            last = tenth
            print(f"{done} / {total} {note}" if total else note, flush=True)

    return progress


if __name__ == "__main__":
    sys.exit(main())
