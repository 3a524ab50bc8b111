"""`python -m core measure`: what checkpoints cost on this machine, kept in the cache for the Compare page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.index import data_root, progress_line
from core.settings import Settings

if TYPE_CHECKING:
    from core.measure import Measurement

NAME = "measure"
HELP = "measure parameters, operations, size, latency and memory of checkpoints on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set (int8 is calibrated with it) and which checkpoints."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument(
        "--checkpoint", required=True, nargs="+", metavar="NAME|PATH", help="one or more checkpoints"
    )
    parser.add_argument("--int8", action="store_true", help="make int8 where it has not been exported yet")
    parser.add_argument(
        "--rounds", type=int, default=40, help="timed calls of each way and batch (default: 40)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure one after the other, keep and print. Raises VitrineError."""
    from core.data import open_dataset
    from core.measure.measuring import measure
    from core.measure.shelf import keep
    from core.models import find_checkpoint

    settings = Settings.from_environment()
    progress = progress_line()
    checkpoints = [find_checkpoint(settings, name) for name in args.checkpoint]
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    found = []
    for checkpoint in checkpoints:
        measured = measure(
            dataset,
            checkpoint,
            cache=settings.cache,
            int8=args.int8,
            rounds=max(1, args.rounds),
            progress=progress,
        )
        keep(measured, settings.cache)
        found.append(measured)
    if args.json:
        value = {"measurements": [measured.to_json() for measured in found]}
        print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print("\n".join(_text(measured) for measured in found))
    return 0


def _text(found: Measurement) -> str:
    lines = [
        f"{found.checkpoint_name} ({found.backbone}, {found.size} pixels): "
        f"{found.parameters / 1e6:.2f} million parameters, {found.flops / 1e9:.2f} GFLOP an image, "
        f"{found.file_bytes / 1e6:.1f} MB",
        f"  on {found.hardware}, load {found.load[0]:.1f} to {found.load[1]:.1f}",
    ]
    for way in found.ways:
        times = "; ".join(
            f"batch {at.batch}: {at.p50:.1f} ms (p95 {at.p95:.1f}), processor {at.processor:.1f} ms an image"
            for at in way.latency
        )
        size = f"{way.memory:.0f} MB of memory, file {way.file_bytes / 1e6:.1f} MB"
        lines.append(f"  {way.name} on {way.device}: {times}; {size}")
    lines += [f"  {name}: {reason}" for name, reason in found.refused.items()]
    return "\n".join(lines)
