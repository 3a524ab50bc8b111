"""How much memory a run takes."""

from __future__ import annotations

import psutil
import torch

MIB = 2**20
GPU_SHARE = 0.25
"""Share of a GPU's free memory that decoded images may take."""


def memory_mb(device: torch.device) -> float:
    """Peak memory on a GPU, resident memory of this process elsewhere, MiB."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)) / MIB
    return float(psutil.Process().memory_info().rss) / MIB


def room_for_images(device: torch.device) -> int:
    """Bytes of decoded images that may lie on `device`: a share of a GPU's free memory, nothing elsewhere."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return int(free * GPU_SHARE)
