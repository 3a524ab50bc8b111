"""`python -m core calibrate`: fit a checkpoint's temperatures on validation images, on its card."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.cli.index import add_subject, data_root, predicted, progress_line
from core.progress import silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.calibrate import Calibrated

NAME = "calibrate"
HELP = "fit one temperature per head on validation images and keep it on the checkpoint's card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set and checkpoint."""
    add_subject(parser)
    parser.add_argument("--dry-run", action="store_true", help="leave the card as it is")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, fit, write and print. Raises VitrineError."""
    from core.calibrate import Calibrated, calibrate, fit_scalings
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    checkpoint = find_checkpoint(settings, args.checkpoint)
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    store = FeatureStore(settings.cache)
    predictions = predicted(store, dataset, checkpoint, args, progress)
    if args.dry_run:
        found = Calibrated(checkpoint, fit_scalings(dataset, predictions))
    else:
        found = calibrate(checkpoint, dataset, predictions)
    if args.json:
        facts = {"data": dataset.name, "fingerprint": dataset.fingerprint, "written": not args.dry_run}
        print(json.dumps(facts | found.to_json(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(_text(dataset.name, found, written=not args.dry_run))
    return 0


def _text(data: str, found: Calibrated, *, written: bool) -> str:
    name = found.checkpoint.name
    lines = [f"{name}: temperatures fitted on the val split of {data}, judged on its test split"]
    for one in found.scalings:
        lines.append(f"  {one.task}: {one.temperature:.2f}, on {one.images} images")
        if one.before is not None and one.after is not None and one.gain is not None:
            lines.append(f"    ECE {one.before.ece.text()} -> {one.after.ece.text()}")
            before, after = one.before.log_loss.text(percent=False), one.after.log_loss.text(percent=False)
            lines.append(f"    log-loss {before} -> {after}; saved {one.gain.text(percent=False)}")
    lines.append("Written on the card." if written else "The card was left as it is.")
    return "\n".join(lines)
