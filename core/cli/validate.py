"""`python -m core validate`: name everything that is wrong with a data set."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.data import Dataset, open_dataset
from core.settings import Settings

NAME = "validate"
HELP = "name everything that is wrong with a data set (exit code 1 when rows had to be left out)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the data set's folder; default: VITRINE_DATA"
    )
    parser.add_argument("--no-cache", action="store_true", help="read every image again, and keep nothing")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the report. Raises DataError when no row can be used."""
    settings = Settings.from_environment()
    root = args.data or settings.data[0]
    dataset = open_dataset(root, cache=None if args.no_cache else settings.cache, progress=_progress)
    print(json.dumps(summary(dataset), indent=1, ensure_ascii=False) if args.json else _text(dataset))
    return 1 if dataset.report.quarantined else 0


def summary(dataset: Dataset) -> dict[str, Any]:
    """The data set and its report as JSON values."""
    counts = dataset.table["split"].value_counts()
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "rows": dataset.report.rows,
        "usable": len(dataset),
        "quarantined": dataset.report.quarantined,
        "instances": len(set(dataset.instances.tolist())) if dataset.has_instances else None,
        "splits": {name: int(counts[name]) for name in dataset.splits},
        "tasks": {
            task.name: {"labels": list(task.labels), "labelled": int((dataset.codes(task.name) >= 0).sum())}
            for task in dataset.taxonomy.tasks
        },
        "metadata": list(dataset.metadata),
        "counts": dataset.report.counts(),
        "problems": [asdict(problem) for problem in dataset.report.problems],
    }


def _text(dataset: Dataset) -> str:
    told = summary(dataset)
    lines = [
        f"{told['name']}: {told['usable']} of {told['rows']} rows usable, {told['quarantined']} left out",
        "splits: " + ", ".join(f"{name} {n}" for name, n in told["splits"].items()),
        "tasks: "
        + ", ".join(f"{name} ({len(task['labels'])} labels)" for name, task in told["tasks"].items()),
        f"fingerprint: {told['fingerprint']}",
    ]
    for problem in dataset.report.problems:
        lines.append(f"{'LEFT OUT' if problem.quarantined else 'warning'} [{problem.kind}] {problem.message}")
        lines.append(f"    {problem.fix}")
    return "\n".join(printable(line) for line in lines)


def printable(line: str) -> str:
    """`line` without control characters: names and labels are other people's text, and this is a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def _progress(done: int, total: int, note: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{note} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
