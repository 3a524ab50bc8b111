"""`python -m training jobs`: the queue."""

from __future__ import annotations

import argparse
import json

from core.settings import Settings
from training.command_line import add_output, job_json, job_line, open_runner

NAME = "jobs"
HELP = "list training jobs, the newest first"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the jobs are."""
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Print every job."""
    jobs = open_runner(args, Settings.from_environment()).jobs()
    if args.json:
        print(json.dumps([job_json(job) for job in jobs], indent=1))
    else:
        print("\n".join(map(job_line, jobs)) or "There are no jobs. `python -m training submit` makes one.")
    return 0
