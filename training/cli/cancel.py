"""`python -m training cancel`."""

from __future__ import annotations

import argparse

from core.settings import Settings
from training.command_line import add_job, open_runner, show_job

NAME = "cancel"
HELP = "stop a job; it saves first and can be resumed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which job."""
    add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Do it and print the job."""
    show_job(open_runner(args, Settings.from_environment()).cancel(args.job), args.json)
    return 0
