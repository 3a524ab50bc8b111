"""`python -m core retrieval-report`: how well search finds what the ground truth says is there."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.cli.search import add_models, subject

if TYPE_CHECKING:
    from core.retrieval.scoreboard import Scoreboard

NAME = "retrieval-report"
HELP = (
    "score text and image search against ground truth: P@k, recall@k, mAP, nDCG by type of query and method"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, checkpoints and split."""
    add_models(parser)
    parser.add_argument("--split", default="test", help="train, val, test or all (default: test)")
    parser.add_argument("-k", type=int, default=10, help="depth of P@k, recall@k and nDCG@k (default: 10)")
    parser.add_argument("--worst", type=int, default=20, help="how many of the worst queries to list")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, score and print. Raises VitrineError."""
    from core.errors import SelectionError
    from core.retrieval.scoreboard import scoreboard

    if args.k < 1 or args.worst < 0:
        raise SelectionError("These numbers cannot be used", fix="-k is at least 1, --worst not negative.")
    dataset, found = subject(args)
    board = scoreboard(dataset, [predictions for _, predictions in found], args.split, k=args.k)
    if args.json:
        facts = {"fingerprint": dataset.fingerprint, "checkpoints": [c.name for c, _ in found]}
        print(
            json.dumps({**facts, **board.to_json(args.worst)}, indent=1, ensure_ascii=False, allow_nan=False)
        )
    else:
        print(_text(board, args.worst))
    return 0


def _text(board: Scoreboard, worst: int) -> str:
    asked = len(board.asked.queries)
    lines = [f"{board.data}, split {board.split}: {asked} queries over {board.images} images, k = {board.k}"]
    width = max(len(f"{line.model} {line.method}") for line in board.lines)
    kind = ""
    for line in board.lines:
        if line.type != kind:
            kind = line.type
            lines.append(f"{kind} ({line.n} queries)")
        lines.append(
            f"  {f'{line.model} {line.method}'.strip():<{width}}  mAP {line.map.text(percent=False)}"
            f"  nDCG {line.ndcg.text(percent=False)}  P {line.precision.text(percent=False)}"
            f"  recall {line.recall.text(percent=False)}"
        )
    for found in board.images_asked:
        lines.append(
            f"by image, {found.model}, {found.n} queries, other objects only:"
            f" mAP {found.map.text(percent=False)}  P {found.precision.text(percent=False)}"
        )
    lines += [comparison.text() for comparison in board.comparisons]
    chief = board.lines[0]
    lines += [
        f"worst: {one.query.text!r} ({one.query.type}) {one.average_precision:.3f}, chance {one.chance:.3f}"
        for one in board.queries(chief.model, chief.method)[:worst]
    ]
    return "\n".join(lines)
