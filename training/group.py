"""One run on several processes of this machine, by torchrun: the same loop, each on its share of a batch."""

from __future__ import annotations

import signal
import subprocess
import sys

from core.settings import HOME
from training.jobs.progress import RunFolder
from training.spec import RunSpec


def group_command(spec: RunSpec, folder: RunFolder) -> list[str]:
    """Starts them, as an argv list; each takes a GPU where there are GPUs, and on CPUs they talk by gloo."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={spec.workers}"]
    return [sys.executable, *launcher, "-m", "training.run", "--spec", str(folder.spec.resolve()), "--resume"]


def train_in_group(spec: RunSpec, folder: RunFolder) -> str:
    """Start the processes, pass TERM and Ctrl-C on to them, wait; how the run ended."""
    child = subprocess.Popen(group_command(spec, folder), cwd=HOME, start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
    child.wait()
    status = folder.read_status()
    ended = {"finished", "cancelled", "failed"}
    return status.state if status is not None and status.state in ended else "failed"
