"""A trainer that is killed, at a write of its weights, between two steps or at any moment, goes on and ends
the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.settings import HOME


def test_a_killed_run_resumes_and_ends_bit_equal(placeholder_root: Path, tmp_path: Path) -> None:
    script = HOME / "tests" / "faults" / "training_kill_points.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(placeholder_root), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        env=environment,
        cwd=HOME,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULTS "))[8:])
    by_operation = [result for result in results if result["name"].startswith("operation")]
    assert len(by_operation) >= 7, "every fsync and every rename of best and last is a point"
    steps = [result for result in results if result["name"].startswith("step")]
    assert all(result["killed"] for result in [*by_operation[:-1], *steps])
    assert not by_operation[-1]["killed"]
    moments = [result for result in results if result["name"].startswith("moment")]
    assert len(moments) == 3 and any(result["killed"] for result in moments)
    for result in results:
        assert result["same"], result
        assert result["files"] == ["best.safetensors", "last.safetensors"]
