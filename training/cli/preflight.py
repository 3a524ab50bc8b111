"""`python -m training preflight`: what should be known before a run begins."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from core.files import atomic_write_json
from core.progress import LINES, json_lines
from core.settings import Settings
from training.command_line import add_run, spec_of
from training.durations import duration
from training.spec import read_spec
from training.terminal import progress_bar

NAME = "preflight"
HELP = "check data, labels, disk and memory for a run, and estimate its time"
MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "stop": "STOP   "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, as for `run`, or its spec."""
    add_run(parser)
    parser.add_argument("--spec", type=Path, help="a spec.json instead of the other arguments")
    parser.add_argument("--result", type=Path, help="write the result to this file as JSON")
    parser.add_argument("--quick", action="store_true", help="do not time any steps")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Check; exit status 1 where the run cannot work."""
    from training.preflight import preflight

    settings = Settings.from_environment()
    spec = read_spec(args.spec) if args.spec else spec_of(args, settings)
    progress = json_lines if os.environ.get(LINES) == "lines" else progress_bar(sys.stderr)
    found = preflight(spec, measure=not args.quick, progress=progress)
    if args.result:
        atomic_write_json(args.result, found.to_json())
    if args.json:
        print(json.dumps(found.to_json(), indent=1))
    else:
        for check in found.checks:
            print(f"{MARKS[check.level]} {check.name}: {check.message} {check.fix}".rstrip())
        print(f"Device: {found.device or 'not measured'} {found.precision}; time: {duration(found.seconds)}")
    return 1 if found.stops else 0
