"""`python -m core export`: a checkpoint in another form, and what that form loses and gains."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.index import data_root, progress_line
from core.export.targets import TARGETS
from core.settings import Settings

if TYPE_CHECKING:
    from core.export import ExportReport

NAME = "export"
HELP = "write a checkpoint as int8 or bf16 for OpenVINO, or as ONNX, checked on real images and timed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which checkpoint, to which form."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument(
        "--checkpoint", required=True, metavar="NAME|PATH", help="name or folder of a checkpoint"
    )
    parser.add_argument("--to", required=True, choices=tuple(TARGETS), help="the form")
    parser.add_argument("--split", default="test", help="images to check it on (default: test)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="copy the files there (they are kept in the cache)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Export, check, time and print. Raises VitrineError."""
    from core.data import open_dataset
    from core.export.exporting import copy_export, export
    from core.models import find_checkpoint

    settings = Settings.from_environment()
    progress = progress_line()
    checkpoint = find_checkpoint(settings, args.checkpoint)
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    report = export(dataset, checkpoint, args.to, cache=settings.cache, split=args.split, progress=progress)
    if args.out is not None:
        copy_export(report, args.out)
    if args.json:
        print(json.dumps(report.to_json(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(_text(report))
    return 0


def _text(report: ExportReport) -> str:
    found = report.agreement
    lines = [
        f"{report.checkpoint_name} as {report.target}: {report.path}, {report.file_bytes / 1e6:.1f} MB",
        f"{found.n} images of {report.data_name}, split {report.split}: cosine of embeddings to float32 "
        f"{found.median_cosine:.5f} (median), {found.min_cosine:.5f} (least); largest difference of a logit "
        f"{found.largest_logit_difference:.2g}",
    ]
    width = max((len(head.task) for head in found.heads), default=0)
    for head in found.heads:
        change = "" if not head.decided else f"  changed by {100 * head.difference.value:+.1f} points"
        lines.append(
            f"  {head.task:<{width}}  same top-1 {head.same_top1.text()}  accuracy {head.variant.text()}"
            f", float32 {head.exact.text()}{change}"
        )
    for base, way in enumerate(report.ways[:-1]):
        ratios = ", ".join(
            f"batch {at.batch}: {report.speed_up(at.batch, base):.2f} x"
            f" ({report.speed_up(at.batch, base, processor=True):.2f} x in processor time)"
            for at in way.latency
        )
        lines.append(f"  speed over {way.name}: {ratios}")
    return "\n".join([*lines, f"  on {report.hardware}"])
