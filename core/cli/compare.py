"""`python -m core compare`: which checkpoint is better on a split, and whether these images can tell."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.cli.index import add_data, data_root, predicted, progress_line
from core.errors import SelectionError
from core.progress import silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.data import Dataset
    from core.evaluation.outcomes import Mask
    from core.store import Predictions

NAME = "compare"
HELP = "compare checkpoints on a split with paired tests and intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, checkpoints and split."""
    add_data(parser)
    parser.add_argument(
        "--checkpoints", required=True, metavar="A,B,...", help="two or more names or folders"
    )
    parser.add_argument("--split", default="test", help="train, val, test or all (default: test)")
    parser.add_argument(
        "--ensemble",
        choices=["equal", "fitted"],
        help="judge their averaged probabilities too, with equal weights or those fitted on validation",
    )


def run(args: argparse.Namespace) -> int:
    """Index what is missing, compare every pair on every shared head and print. Raises VitrineError."""
    from core.data import open_dataset
    from core.evaluation import outcomes
    from core.evaluation.comparison import compare, leaderboard
    from core.models import find_checkpoint
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    names = list(dict.fromkeys(name.strip() for name in args.checkpoints.split(",") if name.strip()))
    if len(names) < 2:
        raise SelectionError(
            "There is nothing to compare",
            cause=f"Named were: {args.checkpoints!r}.",
            fix="Name two: --checkpoints A,B",
        )
    checkpoints = [find_checkpoint(settings, name) for name in names]
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    rows = dataset.split_mask(args.split)
    store = FeatureStore(settings.cache)
    members = {one.name: predicted(store, dataset, one, args, progress) for one in checkpoints}
    if len(members) < 2:
        raise SelectionError(
            "There is nothing to compare",
            cause="The checkpoints share one name.",
            fix="Name two different ones.",
        )
    value: dict[str, Any] = {"data": dataset.name, "fingerprint": dataset.fingerprint, "split": args.split}
    value |= {"pairs": [], "leaderboard": {}}
    for task in dataset.taxonomy.names:
        heads = {name: outcomes(dataset, one, task) for name, one in members.items() if task in one.taxonomy}
        if len(heads) > 1:
            value["pairs"] += [pair.to_json() for pair in compare(heads, rows)]
            value["leaderboard"][task] = [
                {
                    "rank": place.rank,
                    "checkpoint": place.name,
                    "accuracy": place.accuracy.to_json(),
                    "tied_with": list(place.tied_with),
                }
                for place in leaderboard(heads, rows)
            ]
    if not value["pairs"]:
        raise SelectionError(
            "The checkpoints have no head in common with the data set",
            cause=f"The data set has: {', '.join(dataset.taxonomy.names)}.",
            fix="Choose checkpoints that were trained on its tasks.",
        )
    if args.ensemble:
        value["ensemble"] = _ensemble(dataset, members, rows, fitted=args.ensemble == "fitted")
    if args.json:
        print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        told = value["pairs"] + [head["gain"] for head in value.get("ensemble", {}).values()]
        print("\n".join(f"{pair['task']}: {pair['sentence']}" for pair in told))
    return 0


def _ensemble(
    dataset: Dataset, members: Mapping[str, Predictions], rows: Mask, *, fitted: bool
) -> dict[str, Any]:
    """{task: figures of the averaged probabilities}. Raises SelectionError where the members do not fit, or
    there is nothing to fit weights on."""
    from core.evaluation.ensembles import fit_weights, judge

    if fitted and "val" not in dataset.splits:
        raise SelectionError(
            "There are no images to fit the ensemble's weights on",
            cause=f"'{dataset.name}' has no split 'val'.",
            fix="Use --ensemble equal.",
        )
    weights = fit_weights(dataset, list(members.values()), dataset.split_mask("val")) if fitted else {}
    return {
        head.task: {
            "weights": dict(zip(members, head.weights, strict=True)),
            "accuracy": head.scores.accuracy.to_json(),
            "macro_f1": head.scores.macro_f1.to_json(),
            "log_loss": head.log_loss.to_json(),
            "ece": None if head.ece is None else head.ece.to_json(),
            "best": head.best,
            "gain": head.gain.to_json(),
        }
        for head in judge(dataset, members, weights, rows)
    }
