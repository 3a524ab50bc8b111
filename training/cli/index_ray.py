"""`python -m training index-ray`: what `python -m core index` does, by Ray Data on a cluster."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from core.settings import Settings
from training.command_line import add_ray_workers

NAME = "index-ray"
HELP = "predict the images of a data set on a Ray cluster and keep features and thumbnails in the cache"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which checkpoint, on how many workers."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: the settings')"
    )
    parser.add_argument("--checkpoint", required=True, metavar="NAME|PATH")
    add_ray_workers(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Submit, show the log, wait, print what the store holds. Ctrl-C stops the job; what arrived is kept."""
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.store import FeatureStore
    from training.jobs.ray_client import address_and_token, follow, open_client, submit

    settings = Settings.from_environment()
    checkpoint = find_checkpoint(settings, args.checkpoint)
    data = (args.data or settings.data[0]).resolve()
    options = {
        "data": data,
        "checkpoint": checkpoint.path.resolve(),
        "cache": settings.cache.resolve(),
        "engine": args.engine,
        "precision": args.precision,
        "workers": args.workers,
        "threads": args.threads,
    }
    argv = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    client = open_client(*address_and_token())
    job = submit(client, f"index-{checkpoint.name[:40]}", "training.ray_index", argv + ["--gpu"] * args.gpu)
    succeeded = follow(client, job, lambda text: print(text, end="", file=sys.stderr, flush=True))
    dataset = open_dataset(data, cache=settings.cache)
    status = FeatureStore(settings.cache).status(
        dataset, checkpoint, engine=args.engine, precision=args.precision
    )
    if args.json:
        print(json.dumps({"job": job, "succeeded": succeeded, **asdict(status), "pending": status.pending}))
    else:
        print(
            f"{dataset.name} with {checkpoint.name}: {status.done} of {status.total} images indexed;"
            f" {status.failed} cannot be read, {status.pending} left."
        )
    return 0 if succeeded else 1
