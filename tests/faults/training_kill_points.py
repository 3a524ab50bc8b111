"""Kills a tiny training run at chosen points and resumes it; test_training_kills.py runs it on its own.

The networks are loaded once; each attempt is a fork, so that a kill is a real SIGKILL and costs little.

    python tests/faults/training_kill_points.py DATA WORK
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core import files  # noqa: E402
from core.files import sha256_file  # noqa: E402
from core.settings import Settings  # noqa: E402
from tests.training_case import run_folder, tiny_spec  # noqa: E402
from training.assembly import assemble  # noqa: E402
from training.jobs.progress import RunFolder  # noqa: E402
from training.loop import Loop  # noqa: E402
from training.reporter import Reporter  # noqa: E402

PHASES = [
    {"name": "heads", "epochs": 1, "backbone_lr": 0.0, "head_lr": 0.001},
    {"name": "all", "epochs": 1, "backbone_lr": 0.0005, "head_lr": 0.001},
]


def work(settings: Settings, name: str, watch: Callable[[], bool] = lambda: False) -> None:
    spec = tiny_spec(settings, name="killed", phases=PHASES, optimizer__ema_decay=0.9)
    folder = run_folder(settings, name)
    loop = Loop(assemble(spec), folder, Reporter(folder, spec.recipe), watch)
    loop.resume()
    loop.reporter.resumed(loop.at)
    loop.run()


def kill_at_operation(number: int) -> None:
    """SIGKILL this process right before its `number`-th file operation on weights or state."""
    count = 0

    def watched(original: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            nonlocal count
            if any("safetensors" in str(argument) for argument in arguments):
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
            original(*arguments)

        return call

    files._fsync = watched(files._fsync)
    files.os.replace = watched(os.replace)  # type: ignore[assignment]


def kill_at_step(number: int) -> Callable[[], bool]:
    """A watch that kills this process after its `number`-th step."""
    count = 0

    def watch() -> bool:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    return watch


def forked(action: Callable[[], None], seconds: float | None = None) -> int:
    """Run `action` in a fork, killed after `seconds` if it is still at work by then.

    0, or the number of the signal that ended it. Raises where it failed.
    """
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    killer = None if seconds is None else threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    if killer:
        killer.start()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # still there for a killer that comes late
    if killer:
        killer.cancel()
        killer.join()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    if os.WEXITSTATUS(status):
        raise RuntimeError("the run failed")
    return 0


def figures(folder: RunFolder) -> list[float]:
    return [record["train"]["total"] for record in folder.read_metrics()]


def main(data: Path, place: Path) -> None:
    settings = Settings((data,), place / "cache", (place / "checkpoints",))
    runs = settings.cache / "runs"
    began = time.monotonic()
    assert forked(lambda: work(settings, "whole")) == 0
    seconds = time.monotonic() - began
    whole = RunFolder(runs / "whole")
    expected = sha256_file(whole.last), sha256_file(whole.best), figures(whole)
    results = []

    def trial(name: str, first: Callable[[], None], seconds: float | None = None) -> bool:
        """Kill once, resume, compare; whether there was anything left to kill."""
        killed = forked(first, seconds) == signal.SIGKILL
        folder = RunFolder(runs / name)
        assert forked(lambda: work(settings, name)) == 0
        same = (sha256_file(folder.last), sha256_file(folder.best), figures(folder)) == expected
        left = [path.name for path in folder.path.iterdir() if path.suffix == ".safetensors"]
        results.append({"name": name, "killed": killed, "same": same, "files": sorted(left)})
        return killed

    def at_operation(number: int) -> None:
        kill_at_operation(number)
        work(settings, f"operation-{number}")

    number = 1
    while trial(f"operation-{number}", lambda: at_operation(number)):  # noqa: B023
        number += 1
    for step in (2, 5):
        trial(f"step-{step}", lambda: work(settings, f"step-{step}", kill_at_step(step)))  # noqa: B023
    draw = random.Random(11)
    for number in range(3):  # each run is killed twice, whatever it is doing then, before it may end
        name = f"moment-{number}"
        first, second = draw.uniform(0, 0.9), draw.uniform(0.2, 0.9)
        forked(lambda: work(settings, name), first * seconds)  # noqa: B023
        trial(name, lambda: work(settings, name), second * seconds)  # noqa: B023
    print("RESULTS " + json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
