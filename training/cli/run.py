"""`python -m training run`: train in the foreground."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from core.errors import JobError
from core.settings import Settings
from training.command_line import add_run, spec_of
from training.jobs.environment import sleep_while_waiting
from training.jobs.progress import RunFolder
from training.spec import read_spec

NAME = "run"
HELP = "train a network in the foreground; Ctrl-C saves, and the same command with --continue goes on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is trained, and whether an earlier run goes on."""
    add_run(parser)
    parser.add_argument(
        "--continue", dest="folder", metavar="FOLDER", help="go on in this run's folder, as its spec says"
    )
    parser.add_argument("--json", action="store_true", help="print the end as JSON")


def run(args: argparse.Namespace) -> int:
    """Train; exit status 0 when finished, 130 when stopped, 1 when failed."""
    sleep_while_waiting()
    from training.group import train_in_group
    from training.run import train

    settings = Settings.from_environment()
    spec = spec_of(args, settings)
    runs = settings.cache / "runs"
    folder = RunFolder(runs / (args.folder or f"{spec.name[:40]}-{uuid.uuid4().hex[:8]}"))
    if folder.spec.exists():
        spec = read_spec(folder.spec)
    else:
        spec.write(folder.spec)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"Run folder: {folder.path}", file=sys.stderr)
    if spec.workers > 1:
        state = train_in_group(spec, folder)
    else:
        with _alone(folder):
            state = train(spec, folder, stop=stop.is_set)
    status = folder.read_status()
    verdict = RunFolder.read_json(folder.verdict)
    if args.json:
        told = status.model_dump(mode="json") if status else None
        print(
            json.dumps(
                {"folder": str(folder.path), "state": state, "status": told, "verdict": verdict}, indent=1
            )
        )
    else:
        for task, found in ((verdict or {}).get("tasks") or {}).items():
            print(f"{task}: {found['words']}. {found['sentence']}")
    return {"finished": 0, "cancelled": 130}.get(state, 1)


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    try:
        with FileLock(folder.lock, timeout=0):
            yield
    except Timeout:
        raise JobError(
            "Another process is at work on this run",
            cause=f"It holds {folder.lock}.",
            fix="Wait or cancel it.",
        ) from None
