"""The `quick` recipe as a training run: the same job, the same folder, the same last word."""

from __future__ import annotations

from pathlib import Path

from core.data.opening import open_dataset
from core.files import atomic_write_json
from training.assembly import parent_of, settings_of
from training.data import further_sets
from training.finish import verdict
from training.jobs.progress import RunFolder
from training.quick import quick
from training.quick_heads import HeadSettings
from training.reporter import Reporter
from training.spec import RunSpec


def train_quick(spec: RunSpec, folder: RunFolder, reporter: Reporter) -> Path:
    """Fit heads on frozen features and write the checkpoint. Raises VitrineError, Cancelled."""
    settings, recipe = settings_of(spec), spec.recipe
    reporter.stage("preparing", device="cpu", precision="fp32")
    dataset = open_dataset(Path(spec.data), cache=settings.cache, progress=reporter.progress)
    phase = recipe.phases[0]
    result = quick(
        dataset,
        spec.name,
        settings.checkpoints[0],
        cache=settings.cache,
        backbone=spec.backbone,
        seed=recipe.seed,
        start=parent_of(spec, settings) if spec.start_from_parent else None,
        tasks=recipe.tasks,
        further=further_sets(recipe, settings.cache, reporter.progress),
        settings=HeadSettings(epochs=phase.epochs, batch_size=recipe.batch_size, learning_rate=phase.head_lr),
        progress=reporter.progress,
    )
    for note in result.notes:
        reporter.note(note)
    atomic_write_json(folder.verdict, verdict(spec, result.checkpoint, dataset, settings, reporter))
    return result.checkpoint.path
