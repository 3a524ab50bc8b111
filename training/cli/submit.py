"""`python -m training submit`: queue a training job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.errors import JobError
from core.settings import Settings
from training.command_line import add_output, add_run, open_runner, show_job, spec_of

NAME = "submit"
HELP = "queue a training job that goes on without this terminal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is trained, and where."""
    add_run(parser)
    add_output(parser)
    parser.add_argument("--force", action="store_true", help="submit although the preflight says stop")


def run(args: argparse.Namespace) -> int:
    """Check, submit, print the job."""
    from training.preflight import preflight

    settings = Settings.from_environment()
    spec = spec_of(args, settings)
    if args.runner == "local" or Path(spec.data).is_dir():  # a cluster's data may lie elsewhere
        checked = preflight(spec, measure=False)
        for check in checked.checks:
            if check.level in {"warning", "stop"}:
                print(f"{check.level}: {check.message} {check.fix}", file=sys.stderr)
        if checked.stops and not args.force:
            first = checked.stops[0]
            raise JobError(
                "This run cannot work", cause=first.message, fix=f"{first.fix} --force submits it anyway."
            )
    show_job(open_runner(args, settings).submit(spec), args.json)
    return 0
