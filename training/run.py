"""The one entry point of a training run, locally and on a cluster.

    python -m training.run --spec RUN/spec.json [--resume]

It works in the folder of the spec and ends with a last word in its status: finished, cancelled or failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import Cancelled, VitrineError
from core.inference.memory import keep_freed_memory
from training.jobs.environment import sleep_while_waiting
from training.jobs.progress import RunFolder
from training.spec import RunSpec, read_spec

HELD_ELSEWHERE = 75
"""Exit status (EX_TEMPFAIL) of a process that found its run taken by another."""
FAILED = 1
FINISHED = 0
CANCELLED = 3


def train(
    spec: RunSpec,
    folder: RunFolder,
    *,
    resume: bool = True,
    attempt: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Carry out `spec` in `folder` and return how it ended: finished, cancelled or failed.

    Every error ends as `failed` with its reason in the status, for whoever looks at the run.
    """
    from training.reporter import Reporter

    reporter = Reporter(folder, spec.recipe, attempt=attempt, main=_is_main(), stop=stop)
    try:
        checkpoint = _train(spec, folder, reporter, resume, stop)
        reporter.end("finished", checkpoint=str(checkpoint))
    except Cancelled as error:
        return _end(reporter, "cancelled", error)
    except Exception as error:
        traceback.print_exc()
        return _end(reporter, "failed", error)
    reporter.note(f"Finished: {checkpoint}")
    return "finished"


def reason(error: Exception) -> str:
    """What went wrong, for the user."""
    if isinstance(error, VitrineError):
        return str(error).replace("\n", " ")
    if isinstance(error, OSError):
        return f"A file cannot be written or read: {error.strerror or error}. Free disk space and resume."
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"


def _train(
    spec: RunSpec, folder: RunFolder, reporter: object, resume: bool, stop: Callable[[], bool]
) -> Path:
    from training.reporter import Reporter

    assert isinstance(reporter, Reporter)
    if spec.recipe.method == "frozen_features":
        from training.quick_run import train_quick

        return train_quick(spec, folder, reporter)
    from training.assembly import assemble
    from training.finish import finish
    from training.loop import Loop

    reporter.stage("preparing")
    parts = assemble(spec, progress=reporter.progress)
    for note in parts.notes:
        reporter.note(note)
    device = f"{parts.accelerator.device}"
    group = f" with {parts.accelerator.num_processes} processes" if spec.workers > 1 else ""
    reporter.note(f"On {device}{group}, {parts.precision}.")
    reporter.stage("training", device=device, precision=parts.precision)
    loop = Loop(parts, folder, reporter, stop)
    if resume:
        loop.resume()
        reporter.resumed(loop.at)
    loop.run()
    if not parts.accelerator.is_main_process:
        return folder.path
    return finish(spec, folder, parts.dataset, parts.network, parts.preprocessing, reporter).path


def _end(reporter: object, state: str, error: Exception) -> str:
    from training.reporter import Reporter

    assert isinstance(reporter, Reporter)
    text = reason(error)
    try:
        reporter.note(f"{state}: {text}")
        reporter.end(state, reason=text)
    except OSError:
        print(f"The end of this run could not be recorded: {text}", file=sys.stderr, flush=True)
    return state


def _is_main() -> bool:
    import os

    return os.environ.get("RANK", "0") == "0"


def _stop_on_signals() -> Callable[[], bool]:
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked.is_set


def main(arguments: list[str] | None = None) -> int:
    """Run one spec in this process."""
    parser = argparse.ArgumentParser(prog="python -m training.run", description=__doc__)
    parser.add_argument("--spec", type=Path, required=True, help="spec.json in the folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on from the last saved state, if any")
    parser.add_argument("--attempt", type=int, default=0, help="number of the attempt, from the dispatcher")
    parser.add_argument("--slot", default="", help="device whose lock is held while the run is at work")
    options = parser.parse_args(arguments)
    sleep_while_waiting()
    keep_freed_memory()
    stop = _stop_on_signals()
    folder = RunFolder(options.spec.resolve().parent)
    if not _is_main():  # one of several processes of a run: the first holds the lock and speaks for all
        return FINISHED if train(read_spec(options.spec), folder, stop=stop) == "finished" else FAILED
    with ExitStack() as stack:
        try:
            stack.enter_context(FileLock(folder.lock, timeout=0))
        except Timeout:
            print("Another process is at work on this run.", file=sys.stderr)
            return HELD_ELSEWHERE
        current = folder.read_status()
        if options.attempt and current and current.attempt > options.attempt:
            return HELD_ELSEWHERE
        folder.write_process(options.attempt)
        try:
            spec = read_spec(options.spec)
        except VitrineError as error:
            from training.jobs.progress import Status

            folder.write_status(Status(attempt=options.attempt, state="failed", reason=reason(error)))
            return FAILED
        if options.slot:
            stack.enter_context(FileLock(folder.path.parent / f"{options.slot.replace(':', '-')}.lock"))
        state = train(spec, folder, resume=options.resume, attempt=options.attempt, stop=stop)
    return {"finished": FINISHED, "cancelled": CANCELLED}.get(state, FAILED)


if __name__ == "__main__":
    raise SystemExit(main())
