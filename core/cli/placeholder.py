"""`python -m core placeholder`: draw the placeholder data set."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from core.data.placeholder import draw_placeholder
from core.errors import DataError

NAME = "placeholder"
HELP = "draw a tiny data set, to try things where there are no photographs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to draw into; new or empty"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Draw it. Raises DataError when the folder holds something else."""
    folder: Path = args.out
    if folder.exists() and not (folder.is_dir() and _is_ours(folder)):
        raise DataError(
            f"'{folder}' is not empty",
            cause="Drawing there could overwrite a data set.",
            fix="Name a new folder.",
        )
    draw_placeholder(folder)
    print(json.dumps({"out": str(folder)}) if args.json else f"Drew the placeholder data set into {folder}.")
    return 0


def _is_ours(folder: Path) -> bool:
    """Whether `folder` is empty, or an earlier placeholder."""
    note = folder / "README.md"
    return not any(folder.iterdir()) or (
        note.is_file() and note.read_text("utf-8").startswith("# Placeholder\n")
    )
