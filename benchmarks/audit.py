"""How long the audit takes on made-up embeddings.

    python -m benchmarks.audit [--images 600] [--dimension 1280] [--json]

Embeddings hold a class, an object and a noise part; thumbnails are drawn when they are asked for, and the
time that takes is left out.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from core.audit import audit
from core.data.dataset import Dataset, ValidationReport
from core.data.taxonomy import Task, Taxonomy

TASKS = {"kind": 10, "colour": 12, "material": 8}
PER_OBJECT = 5


def make(images: int, dimension: int) -> tuple[Dataset, np.ndarray]:
    """A data set of `images` rows, five to an object, and embeddings (images, dimension) float32."""
    random = np.random.default_rng(0)
    objects = np.arange(images) // PER_OBJECT
    count = int(objects.max()) + 1
    embeddings = random.standard_normal((images, dimension), dtype=np.float32)
    embeddings += random.standard_normal((count, dimension), dtype=np.float32)[objects]
    table = pd.DataFrame(
        {
            "image_id": [f"{row:016x}" for row in range(images)],
            "path": [f"{row}.jpg" for row in range(images)],
            "sha": [f"{row:064x}" for row in range(images)],
            "split": np.array(["train", "train", "train", "val", "test"])[objects % 5],
            "instance_id": [f"object {k}" for k in objects],
            "caption": "",
            "width": 96,
            "height": 96,
        }
    )
    for name, size in TASKS.items():
        codes = random.integers(0, size, count)[objects]
        embeddings += 2 * random.standard_normal((size, dimension), dtype=np.float32)[codes]
        table[name] = pd.Categorical.from_codes(codes, [f"{name} {k}" for k in range(size)])
    taxonomy = Taxonomy(tuple(Task(name, tuple(table[name].cat.categories)) for name in TASKS))
    report = ValidationReport(rows=images)
    return Dataset("made up", Path("."), table, taxonomy, "0" * 32, report), embeddings


def drawn(seed: int) -> bytes:
    """A JPEG of 128 by 128 pixels."""
    rough = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    held = io.BytesIO()
    Image.fromarray(rough).resize((128, 128), Image.Resampling.BICUBIC).save(held, "JPEG")
    return held.getvalue()


def main() -> None:
    """Time one audit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--dimension", type=int, default=1280)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    dataset, embeddings = make(args.images, args.dimension)
    drawing = [0.0]

    def thumbnails(shas: Iterable[str]) -> dict[str, bytes]:
        began = time.monotonic()
        found = {sha: drawn(int(sha, 16)) for sha in shas}
        drawing[0] += time.monotonic() - began
        return found

    stages: dict[str, float] = {}
    state = ["features", time.monotonic()]

    def stage(done: int, total: int, note: str) -> None:
        if note != state[0]:
            stages[str(state[0])] = stages.get(str(state[0]), 0.0) + time.monotonic() - float(state[1])
            state[:] = [note, time.monotonic()]

    began = time.monotonic()
    found = audit(dataset, embeddings, np.ones(len(dataset), dtype=bool), thumbnails, progress=stage)
    stage(0, 0, "end")
    value = {
        "images": args.images,
        "dimension": args.dimension,
        "seconds": round(time.monotonic() - began - drawing[0], 1),
        "drawing_s": round(drawing[0], 1),
        "stages": {name: round(seconds, 1) for name, seconds in stages.items()},
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "verdicts": {task: one.verdict for task, one in found.learnability.items()},
    }
    print(
        json.dumps(value, indent=1) if args.json else "\n".join(f"{key}: {one}" for key, one in value.items())
    )


if __name__ == "__main__":
    main()
