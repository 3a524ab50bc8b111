"""`python -m core evaluate`: the figures of a checkpoint on one split, indexing first where needed."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.cli.index import add_subject, data_root, predicted, progress_line
from core.progress import silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.evaluation import Evaluation

NAME = "evaluate"
HELP = "evaluate a checkpoint on a split of a data set: every figure with its interval"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, checkpoint and split."""
    add_subject(parser)
    parser.add_argument("--split", default="test", help="train, val, test or all (default: test)")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, evaluate and print. Raises VitrineError."""
    from core.data import open_dataset
    from core.evaluation import evaluate
    from core.models import find_checkpoint
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    checkpoint = find_checkpoint(settings, args.checkpoint)
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    dataset.split_mask(args.split)  # refuse an unknown split before the work
    store = FeatureStore(settings.cache)
    predictions = predicted(store, dataset, checkpoint, args, progress)
    found = evaluate(dataset, predictions, args.split)
    if args.json:
        facts = {"data": dataset.name, "fingerprint": dataset.fingerprint, "checkpoint": checkpoint.name}
        run_by = {"engine": predictions.engine, "precision": predictions.precision}
        print(
            json.dumps({**facts, **run_by, **found.to_json()}, indent=1, ensure_ascii=False, allow_nan=False)
        )
    else:
        print(_text(dataset.name, checkpoint.name, found))
    return 0


def _text(data: str, checkpoint: str, found: Evaluation) -> str:
    instances = "" if found.instances is None else f" of {found.instances} instances"
    lines = [f"{checkpoint} on {data}, split {found.split}: {found.n} images{instances}"]
    width = max(len(head.task) for head in found.heads)
    for head in found.heads:
        report = head.report
        lines.append(
            f"  {head.task:<{width}}  accuracy {report.accuracy.text()}  macro F1 {report.macro_f1.text()}"
            f"  n {report.n}"
        )
    return "\n".join(lines)
