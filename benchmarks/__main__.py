"""`make bench`: inference, the feature store, search, statistics, training and pages, one after the other.

    python -m benchmarks [--data DIR] [--out FOLDER]

Each part is a module of its own with more options (`python -m benchmarks.inference --help`). One that fails
is named at the end and does not stop the others. All take about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from core.settings import HOME


def parts(data: Path, out: Path) -> dict[str, list[str]]:
    """The arguments of each part."""
    return {
        "inference": ["--data", str(data)],
        "store": ["--out", str(out / "store"), "--rows", "100000", "--source", str(data)],
        "retrieval": [],
        "projection": ["--rows", "10000"],
        "explorer": ["--rows", "100000", "--parts", "server", "draw"],
        "training": ["--data", str(data)],
        "pages": [],
    }


def main() -> int:
    """Run every part; the exit status is the number of those that failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, default=HOME / "data" / "demo", metavar="DIR")
    parser.add_argument("--out", type=Path, default=HOME / "cache" / "benchmarks", metavar="FOLDER")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, arguments in parts(options.data.resolve(), options.out.resolve()).items():
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=HOME).returncode:
            failed.append(name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
