"""`python -m training resume`."""

from __future__ import annotations

import argparse

from core.settings import Settings
from training.command_line import add_job, open_runner, show_job

NAME = "resume"
HELP = "queue a stopped job again, from its last save"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which job."""
    add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Do it and print the job."""
    show_job(open_runner(args, Settings.from_environment()).resume(args.job), args.json)
    return 0
