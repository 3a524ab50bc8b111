"""Tiny training runs that tests share: a 1 M parameter network at 32 pixels on the placeholder data set."""

from __future__ import annotations

from typing import Any

from core.settings import Settings
from training.jobs.progress import RunFolder
from training.recipes import load_recipe
from training.spec import RunSpec

BACKBONE = "mobilevit_xxs"
PHASES = [
    {"name": "heads", "epochs": 1, "backbone_lr": 0.0, "head_lr": 0.001},
    {"name": "all", "epochs": 2, "backbone_lr": 0.0005, "head_lr": 0.001},
]


def tiny_spec(settings: Settings, name: str = "tiny", recipe: str = "two_phase", **overrides: Any) -> RunSpec:
    """Three epochs of a recipe; `overrides` are dotted fields with `__` for the dot."""
    fields: dict[str, Any] = {"image_size": 32, "phases": PHASES, "batch_size": 8, "pretraining": "none"}
    fields |= {key.replace("__", "."): value for key, value in overrides.items()}
    return RunSpec(
        name=name,
        data=str(settings.data[0]),
        backbone=BACKBONE,
        recipe=load_recipe(recipe, fields),
        checkpoints=str(settings.checkpoints[0]),
        cache=str(settings.cache),
        threads=1,
    )


def run_folder(settings: Settings, name: str) -> RunFolder:
    """An empty run folder."""
    folder = RunFolder(settings.cache / "runs" / name)
    folder.path.mkdir(parents=True, exist_ok=True)
    return folder
