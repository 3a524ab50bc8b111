"""`python -m core index`: predict a data set's images and keep the result in the feature store."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.progress import LINES, Progress, json_lines, silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.data import Dataset
    from core.models import Checkpoint
    from core.store import FeatureStore, Predictions

NAME = "index"
HELP = "predict the images of a data set with a checkpoint and keep features and thumbnails in the cache"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which checkpoint, and how to run it."""
    add_subject(parser)
    parser.add_argument("--retry-failed", action="store_true", help="try unreadable images again")


def run(args: argparse.Namespace) -> int:
    """Index and print the status."""
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    checkpoint = find_checkpoint(settings, args.checkpoint)
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    began = time.monotonic()
    status = FeatureStore(settings.cache).index(
        dataset,
        checkpoint,
        engine=args.engine,
        precision=args.precision,
        progress=progress,
        retry_failed=args.retry_failed,
    )
    seconds = round(time.monotonic() - began, 2)
    if args.json:
        facts = {"data": dataset.name, "fingerprint": dataset.fingerprint, "checkpoint": checkpoint.name}
        print(
            json.dumps({**facts, **asdict(status), "pending": status.pending, "seconds": seconds}, indent=1)
        )
    else:
        print(
            f"{dataset.name} with {checkpoint.name}: {status.done} of {status.total} images indexed"
            f" ({status.engine} {status.precision}, {seconds:.1f} s); {status.failed} cannot be read,"
            f" {status.pending} left."
        )
    return 0


def add_subject(parser: argparse.ArgumentParser, *, checkpoint_required: bool = True) -> None:
    """The arguments that index, evaluate and audit share."""
    add_data(parser)
    parser.add_argument(
        "--checkpoint",
        required=checkpoint_required,
        metavar="NAME|PATH",
        help="name or folder of a checkpoint",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Which data set, and how checkpoints are run on it."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument("--engine", default="auto", choices=("auto", "torch", "openvino"))
    parser.add_argument("--precision", default="auto", choices=("auto", "f32", "bf16", "int8"))
    parser.add_argument("--json", action="store_true", help="print JSON")


def predicted(
    store: FeatureStore,
    dataset: Dataset,
    checkpoint: Checkpoint,
    args: argparse.Namespace,
    progress: Progress,
) -> Predictions:
    """What `checkpoint` says about `dataset`, indexed first where something is missing, by `args.engine` and
    `args.precision`. Raises VitrineError."""
    how = {"engine": args.engine, "precision": args.precision}
    if not store.status(dataset, checkpoint, **how).complete:
        store.index(dataset, checkpoint, **how, progress=progress)
    return store.predictions(dataset, checkpoint, **how)


def data_root(args: argparse.Namespace, settings: Settings) -> Path:
    """The folder that was named, or the default data set."""
    return Path(args.data) if args.data is not None else settings.data[0]


def progress_line() -> Progress:
    """A progress callback that rewrites one line of stderr, or is silent where stderr is not a terminal.

    With VITRINE_PROGRESS=lines it reports to the program that started this one.
    """
    if os.environ.get(LINES) == "lines":
        return json_lines
    if not sys.stderr.isatty():
        return silent

    def show(done: int, total: int, note: str) -> None:
        text = f"{done} / {total} {note}" if total else note
        print(f"\r\033[K{text}", end="\n" if total and done >= total else "", file=sys.stderr, flush=True)

    return show
