"""What the C library does with memory that a network frees."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

# <malloc.h>
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_KEEP = 1 << 30
_PAD = 1 << 26


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep freed blocks of up to 1 GiB for the next layer, from now on, in this process.

    By default glibc hands every large block back to the kernel, which clears it anew for the next layer:
    half of the processor time of eager EfficientNet-Lite0 went there. The peak of memory is the same; what is
    freed stays with the process. Returns whether it was done (glibc only; elsewhere nothing changes).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, e.g. musl
        return False
    options = ((_M_MMAP_THRESHOLD, _KEEP), (_M_TRIM_THRESHOLD, _KEEP), (_M_TOP_PAD, _PAD))
    return all(mallopt(option, value) == 1 for option, value in options)
