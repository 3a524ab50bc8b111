"""`python -m core report`: one HTML file about a data set and its checkpoints, to be sent to anybody."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from core.cli.index import add_data, data_root, predicted, progress_line
from core.errors import SelectionError
from core.files import atomic_write
from core.progress import silent
from core.settings import Settings

NAME = "report"
HELP = "write one self-contained HTML file: scores, matrices, comparisons, the worst mistakes, provenance"
MOST = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, checkpoints and split, and which file to write."""
    add_data(parser)
    parser.add_argument(
        "--checkpoint",
        action="append",
        required=True,
        metavar="NAME|PATH",
        help=f"name or folder of a checkpoint; may be given up to {MOST} times",
    )
    parser.add_argument("--split", default="test", help="train, val, test or all (default: test)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the file to write")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, compute, write the file whole or not at all. Raises VitrineError."""
    from core.audit.kept import newest_audit
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.report import Member, gather, render
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    checkpoints = {one.name: one for name in args.checkpoint for one in [find_checkpoint(settings, name)]}
    if len(checkpoints) > MOST:
        raise SelectionError(
            f"A report is about {MOST} checkpoints at most",
            cause=f"{len(checkpoints)} were named.",
            fix="Name fewer.",
        )
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    dataset.split_mask(args.split)  # refuse an unknown split before the work
    store = FeatureStore(settings.cache)
    members = [Member(one, predicted(store, dataset, one, args, progress)) for one in checkpoints.values()]
    found = gather(
        dataset,
        members,
        args.split,
        lambda shas: store.thumbnails(shas, dataset=dataset),
        audit=newest_audit(settings.cache, dataset),
        progress=progress,
    )
    atomic_write(args.out, render(found, _command(dataset.root.name, list(checkpoints), args.split)))
    size = args.out.stat().st_size
    told = {"out": str(args.out), "bytes": size, "data": dataset.name, "fingerprint": dataset.fingerprint}
    told |= {"split": args.split, "n": found.n, "checkpoints": list(checkpoints)}
    print(json.dumps(told, indent=1) if args.json else f"{args.out}: {size:,} bytes")
    return 0


def _command(data: str, names: list[str], split: str) -> str:
    """What makes the report again, without the paths of this machine."""
    chosen = [word for name in names for word in ("--checkpoint", name)]
    command = ["python", "-m", "core", "report", "--data", data, *chosen]
    return shlex.join([*command, "--split", split, "--out", "report.html"])
