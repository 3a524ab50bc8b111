"""How fast a cached data set opens in a fresh process: `python -m benchmarks.store --out FOLDER [--rows N]`.

FOLDER is one that `benchmarks.synthetic` wrote; it is written first where there is none. Each repetition
starts a new interpreter and measures imports, data set, predictions, embeddings, thumbnails and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from core.settings import HOME

ONE_RUN = """
import json, time
began = last = time.perf_counter()
steps = {}
def lap(name):
    global last
    now = time.perf_counter()
    steps[name], last = round(1000 * (now - last), 1), now
def memory():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))
from core.data import open_dataset
from core.models import list_checkpoints
from core.settings import Settings
from core.store import FeatureStore
lap("imports")
settings = Settings.from_environment()
checkpoint = list_checkpoints(settings)[0][0]
lap("checkpoints")
dataset = open_dataset(settings.data[0], cache=settings.cache)
lap("data set")
store = FeatureStore(settings.cache)
predictions = store.predictions(dataset, checkpoint)
lap("predictions")
steps["re-opened"] = round(1000 * (last - began), 1)
predictions.embeddings()
lap("embeddings")
steps["memory MB before thumbnails"] = memory()
import random
random.seed(0)
shas = list(dataset.table["sha"])
last = time.perf_counter()
store.thumbnails(shas[:1])
lap("first thumbnail (imports lancedb)")
laps = []
for _ in range(20):
    some = random.sample(shas, 48)
    start = time.perf_counter()
    assert len(store.thumbnails(some)) == 48
    laps.append(1000 * (time.perf_counter() - start))
steps["48 thumbnails, median"] = round(sorted(laps)[10], 1)
steps["48 thumbnails, worst of 20"] = round(max(laps), 1)
steps["memory MB"] = memory()
print(json.dumps(steps))
"""


def measure(out: Path, repetitions: int) -> dict[str, float]:
    """Medians over fresh processes, in ms and MB."""
    environment = {
        **os.environ,
        "VITRINE_DATA": str((out / "data").resolve()),
        "VITRINE_CACHE": str((out / "cache").resolve()),
        "VITRINE_CHECKPOINTS": str((out / "checkpoints").resolve()),
    }
    runs = [_run(environment) for _ in range(repetitions)]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _run(environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", ONE_RUN], cwd=HOME, env=environment, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Generate where needed, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--source", type=Path, help="data set to copy from (default: placeholder)")
    parser.add_argument("--repetitions", type=int, default=5)
    args = parser.parse_args()
    if not (args.out / "checkpoints").is_dir():
        from benchmarks.synthetic import make_synthetic

        make_synthetic(args.out, args.rows, source=args.source)
    print(json.dumps(measure(args.out, args.repetitions), indent=1))


if __name__ == "__main__":
    main()
