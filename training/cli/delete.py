"""`python -m training delete`."""

from __future__ import annotations

import argparse
import json

from core.settings import Settings
from training.command_line import add_job, open_runner

NAME = "delete"
HELP = "forget a job that has ended and remove its folder; its checkpoint stays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which job."""
    add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Do it and say so."""
    open_runner(args, Settings.from_environment()).delete(args.job)
    print(json.dumps({"deleted": args.job}) if args.json else f"Deleted {args.job}.")
    return 0
