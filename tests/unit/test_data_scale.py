"""Opening again stays fast at 100,000 images."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from core.data import facts, open_dataset

N = 100_000


@pytest.mark.slow
def test_a_hundred_thousand_images_open_again_within_two_seconds(
    placeholder_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images are hard links to the placeholder's, whose facts are asked for once each."""
    with (placeholder_root / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    known = {
        Path(row["image_path"]).name: facts.fact(placeholder_root, row["image_path"], 10**6) for row in rows
    }
    monkeypatch.setattr(facts, "fact", lambda root, path, max_pixels: known[path.split("-")[1]])
    root, cache = tmp_path / "large", tmp_path / "cache"
    (root / "images").mkdir(parents=True)
    with (root / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        for number in range(N):
            row = rows[number % len(rows)]
            path = f"images/{number}-{Path(row['image_path']).name}"
            os.link(placeholder_root / row["image_path"], root / path)
            writer.writerow({**row, "image_path": path})
    assert len(open_dataset(root, cache=cache)) == N
    times = []
    for _ in range(3):
        start = time.perf_counter()
        dataset = open_dataset(root, cache=cache)
        times.append(time.perf_counter() - start)
    assert len(dataset) == N
    assert min(times) <= 2.0, times
