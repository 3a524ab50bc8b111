"""What a checkpoint's card records of the machine and the libraries that made it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata

_LIBRARIES = ("torch", "torchvision", "timm", "openvino", "nncf", "onnxruntime", "numpy", "pillow")


def hardware() -> str:
    """The processor and the number of cores, and the accelerator where torch sees one."""
    import os

    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{_processor()}, {cores} cores"
    return f"{text}, {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else text


def versions() -> dict[str, str]:
    """Versions of the libraries that decide what the weights compute."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            for line in stream:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
