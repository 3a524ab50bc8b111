from __future__ import annotations

import subprocess
import sys

import pytest

from core.settings import HOME

FAULTS = """
import resource, sys
from core.inference.memory import keep_freed_memory
kept = sys.argv[1] == "keep" and keep_freed_memory()
import numpy as np
np.ones(8_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(8_000_000)
print(int(kept), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(mode: str) -> tuple[bool, int]:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, mode], cwd=HOME, check=True, capture_output=True, text=True
    )
    kept, faults = done.stdout.split()
    return kept == "1", int(faults)


def test_freed_blocks_are_used_again_without_asking_the_kernel() -> None:
    kept, faults = _faults("keep")
    if not kept:
        pytest.skip("the C library is not glibc")
    _, usual = _faults("default")
    assert faults < usual / 4
