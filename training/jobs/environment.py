"""What a job's process may see of the environment, and how many jobs run at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

_ALLOWED = re.compile(
    r"^(PATH|HOME|USER|LANG|LC_.*|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|VIRTUAL_ENV|PYTHONPATH|PYTHONHASHSEED|LD_LIBRARY_PATH"
    r"|OMP_[A-Z_]+|MKL_NUM_THREADS|CUDA_.*|NVIDIA_.*|HSA_.*|ROCR_.*|HF_HOME|HF_HUB_OFFLINE|HF_HUB_CACHE|TORCH_HOME"
    r"|XDG_CACHE_HOME|VITRINE_[A-Z_]+)$"
)
WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait for each other sleep: where other work shares the cores, spinning made small steps four
times as slow."""
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|KEY|CREDENTIAL", re.IGNORECASE)


def sleep_while_waiting() -> None:
    """The same for this process; it counts only before torch is loaded."""
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)


def child_environment(slot: str = "") -> dict[str, str]:
    """The environment of a job: an allow-list without secrets, and the one GPU that its slot names."""
    kept = {
        name: value for name, value in os.environ.items() if _ALLOWED.match(name) and not _SECRET.search(name)
    }
    if slot.startswith("cuda:"):
        kept["CUDA_VISIBLE_DEVICES"] = visible_gpus()[int(slot.removeprefix("cuda:"))]
    return {**WAITING, **kept, "PYTHONUNBUFFERED": "1"}


@cache
def visible_gpus() -> tuple[str, ...]:
    """Identifiers of the NVIDIA GPUs that this process may use, found without loading torch."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return tuple(part.strip() for part in allowed.split(",") if part.strip() not in {"", "-1"})
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        listing = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(str(index) for index, line in enumerate(listing.splitlines()) if line.startswith("GPU "))


def slots() -> tuple[str, ...]:
    """Places where a job can run: one per GPU, or the machine's CPU."""
    return tuple(f"cuda:{index}" for index in range(len(visible_gpus()))) or ("cpu",)
