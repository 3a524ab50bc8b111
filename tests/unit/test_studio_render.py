"""Rendering again gives the committed pictures (where Blender's module is installed)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.settings import HOME
from training.studio.plan import make_plan

DEMO = HOME / "data" / "demo"
SEED, SAMPLES = 1191, 7
MEAN_TOLERANCE = 2.0  # of 255: sampling and denoising differ a little between processors
pytest.importorskip("bpy", reason="bpy is not installed (requirements-studio.txt)")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_images_render_again(tmp_path: Path) -> None:
    from training.studio.render import render

    with (DEMO / "planted.csv").open(newline="") as stream:
        replaced = {
            row["image_path"]
            for row in csv.DictReader(stream)
            if row["kind"] in ("near_duplicate", "corrupt")
        }
    chosen = [p for p in make_plan(600, SEED) if p.image_path not in replaced][:2]
    assert render(chosen, tmp_path, size=224, samples=SAMPLES, threads=2) == 2
    for photograph in chosen:
        with (
            Image.open(tmp_path / photograph.image_path) as new,
            Image.open(DEMO / photograph.image_path) as old,
        ):
            difference = np.abs(np.asarray(new, dtype=float) - np.asarray(old, dtype=float))
        assert difference.mean() <= MEAN_TOLERANCE, photograph.image_path
    assert render(chosen, tmp_path, size=224, samples=SAMPLES, threads=2) == 0  # finished files are skipped
