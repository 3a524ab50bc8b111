"""`python -m core apply-review`: the labels that a review found wrong, corrected in a copy of the CSV
file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from core.cli.index import data_root
from core.errors import DataError
from core.settings import Settings

NAME = "apply-review"
HELP = "correct the labels that a review marked wrong, in a copy of a data set's CSV file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which review, and where the copy goes."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument(
        "--review",
        type=Path,
        required=True,
        metavar="FILE",
        help="marks: the CSV from the page, or its JSON file",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="COPY.csv", help="a new file for the copy")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Read the marks, correct, write the copy, and say what was done. Raises VitrineError."""
    from core.audit.review import corrections, load_marks
    from core.data.corrections import corrected_table
    from core.files import atomic_write

    marks = load_marks(args.review)
    if args.out.exists():
        raise DataError(
            f"{args.out} exists already",
            cause="A file is never overwritten here.",
            fix="Name another file with --out, or move that one away.",
        )
    found = corrected_table(data_root(args, Settings.from_environment()), corrections(marks))
    try:
        atomic_write(args.out, found.data)
    except OSError as error:
        raise DataError(
            f"{args.out} cannot be written", cause=f"{error.strerror or error}.", fix="Name another folder."
        ) from error
    fine = sum(mark.decision == "fine" for mark in marks)
    refused = [
        {"path": one.correction.path, "task": one.correction.task, "reason": one.reason}
        for one in found.refused
    ]
    if args.json:
        value = {"out": str(args.out), "marks": len(marks), "fine": fine, "corrected": len(found.applied)}
        print(json.dumps(value | {"refused": refused}, indent=1, ensure_ascii=False))
        return 0
    print(
        f"{args.out}: {len(found.applied)} of {len(marks)} marks corrected a label, {fine} said it was fine"
    )
    for one in refused:
        print(f"  not applied: {one['task']} of {one['path']}: {one['reason']}")
    return 0
