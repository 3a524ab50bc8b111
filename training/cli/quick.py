"""`python -m training quick`: a first model in a minute."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from core.models.backbones import BACKBONES
from core.settings import Settings
from training.terminal import progress_bar

NAME = "quick"
HELP = "fit heads on the frozen features of an ImageNet backbone, or of a checkpoint's, and save a checkpoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, what to call the checkpoint, and where it goes."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data set")
    parser.add_argument("--name", required=True, help="name of the checkpoint and of its folder")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of checkpoints (default: checkpoints)"
    )
    parser.add_argument("--backbone", default="tf_efficientnet_lite0", choices=sorted(BACKBONES))
    parser.add_argument("--start-from", metavar="CHECKPOINT", help="take this checkpoint's backbone instead")
    parser.add_argument(
        "--tasks", nargs="+", default=(), metavar="TASK", help="tasks that get a head (default: all)"
    )
    parser.add_argument(
        "--extra-data", nargs="+", default=(), type=Path, metavar="DIR", help="learn from these too"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of initialisation and shuffling")
    parser.add_argument(
        "--allow-hub", action="store_true", default=None, help="fetch weights from the hub if needed"
    )
    parser.add_argument("--json", action="store_true", help="print the card's metrics as JSON")


def run(args: argparse.Namespace) -> int:
    """Fit, save, evaluate, print."""
    from core.data import open_dataset
    from core.models import find_checkpoint
    from training.quick import quick
    from training.quick_report import as_json, as_table

    settings = Settings.from_environment()
    progress = progress_bar(sys.stderr)
    dataset = open_dataset(args.data, cache=settings.cache, progress=progress)
    further = [open_dataset(one, cache=settings.cache, progress=progress) for one in args.extra_data]
    result = quick(
        dataset,
        args.name,
        args.out or settings.checkpoints[0],
        cache=settings.cache,
        backbone=args.backbone,
        seed=args.seed,
        allow_hub=args.allow_hub,
        start=find_checkpoint(settings, args.start_from) if args.start_from else None,
        tasks=tuple(args.tasks),
        further=further,
        progress=progress,
    )
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    print(json.dumps(as_json(result), indent=1) if args.json else as_table(result))
    return 0
