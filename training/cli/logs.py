"""`python -m training logs`: what a job printed."""

from __future__ import annotations

import argparse
import json
import sys
import time

from core.settings import Settings
from training.command_line import add_job, open_runner

NAME = "logs"
HELP = "print a job's log"
POLL_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which job, from where, and whether to wait for more."""
    add_job(parser)
    parser.add_argument("--offset", type=int, default=0, help="first byte; negative: from the end")
    parser.add_argument("--follow", action="store_true", help="go on until the job ends")


def run(args: argparse.Namespace) -> int:
    """Print the log, or a chunk of it as JSON."""
    runner = open_runner(args, Settings.from_environment())
    chunk = runner.log(args.job, args.offset)
    if args.json:
        print(json.dumps({"text": chunk.text, "offset": chunk.offset, "size": chunk.size}, indent=1))
        return 0
    while True:
        sys.stdout.write(chunk.text)
        sys.stdout.flush()
        if chunk.offset >= chunk.size:
            if not args.follow or not runner.job(args.job).active:
                return 0
            time.sleep(POLL_SECONDS)
        chunk = runner.log(args.job, chunk.offset)
