"""What should be known before a run begins: leaks, thin labels, broken images, disk, memory, time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from core.data.dataset import Dataset
from core.data.opening import open_dataset
from core.progress import Progress, silent
from training.near_duplicates import near_duplicates
from training.spec import RunSpec

Level = Literal["ok", "note", "warning", "stop"]
MIB = 2**20
FEW_TRAIN = 10
"""Fewer training images of a label than this are pointed out."""
SHOWN = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `stop` means that the run cannot work as it is."""

    name: str
    level: Level
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Preflight:
    """All checks, the device, and how long the run will take (None where it was not measured)."""

    checks: tuple[Check, ...]
    device: str = ""
    precision: str = ""
    seconds: float | None = None

    @property
    def stops(self) -> tuple[Check, ...]:
        """The checks that forbid a launch."""
        return tuple(check for check in self.checks if check.level == "stop")

    def to_json(self) -> dict[str, Any]:
        """JSON values, as in preflight.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Preflight:
        """The inverse of `to_json`. Raises KeyError, TypeError for anything else."""
        checks = tuple(Check(**check) for check in value["checks"])
        return cls(checks, value["device"], value["precision"], value["seconds"])


def preflight(spec: RunSpec, *, measure: bool = True, progress: Progress = silent) -> Preflight:
    """Look at everything. `measure` times some steps of the real network, which takes seconds.

    Raises DataError where the data set cannot be opened, JobError for a device that is not there,
    CheckpointError for a backbone that may not be built, Cancelled.
    """
    cache = Path(spec.cache).resolve()
    dataset = open_dataset(Path(spec.data), cache=cache, progress=progress)
    checks = [*_splits(dataset), _leakage(dataset), _near(dataset, cache, progress), *_labels(dataset)]
    checks.append(_unreadable(dataset))
    if not measure:
        return Preflight((*checks, _disk(cache, 30_000_000, spec)))
    from training.assembly import choose_device, choose_precision
    from training.estimate import memory_needed, run_seconds
    from training.probe import probe

    progress(0, 0, "timing a few steps")
    found = probe(spec, dataset, cache)
    device = choose_device(spec)
    checks += [_disk(cache, found.parameters, spec), _memory(memory_needed(spec, dataset, found), device)]
    checks += _pretraining(spec)
    precision = choose_precision(spec.recipe.precision, device)
    return Preflight(tuple(checks), device, precision, run_seconds(spec, dataset, found))


def _splits(dataset: Dataset) -> Iterator[Check]:
    sizes = {split: int(dataset.split_mask(split).sum()) for split in dataset.splits}
    shown = ", ".join(f"{n:,} {split}" for split, n in sizes.items())
    missing = [split for split in ("train", "val") if not sizes.get(split)]
    if missing:
        fix = "Give images of each split, or leave the split column out to have one made."
        yield Check("splits", "stop", f"No images in {' and '.join(missing)}.", fix)
    elif not sizes.get("test"):
        yield Check(
            "splits", "warning", f"{shown}; without a test split there is no honest figure at the end."
        )
    else:
        yield Check("splits", "ok", f"{shown}.")


def _leakage(dataset: Dataset) -> Check:
    kinds = ("instance_across_splits", "duplicate_image")
    found = [
        problem
        for problem in dataset.report.problems
        if problem.kind == kinds[0] or (problem.kind == kinds[1] and problem.field == "split")
    ]
    if not found:
        known = "No object" if dataset.has_instances else "Objects are not known; no identical file"
        return Check("leakage", "ok", f"{known} is in two splits.")
    shown = " ".join(problem.message for problem in found[:SHOWN])
    fix = "Put all images of one object into one split; until then test figures are too good."
    return Check("leakage", "warning", f"{len(found)} leaks between splits. {shown}", fix)


def _near(dataset: Dataset, cache: Path, progress: Progress) -> Check:
    pairs = near_duplicates(dataset, cache, progress)
    if not pairs:
        return Check("near-duplicates", "ok", "No test image is nearly a training image.")
    paths = dataset.table["path"]
    shown = "; ".join(f"'{paths.iat[pair.test]}' and '{paths.iat[pair.train]}'" for pair in pairs[:SHOWN])
    message = f"{len(pairs)} test images look like training images: {shown}."
    return Check("near-duplicates", "warning", message, "Look at them; move copies into one split.")


def _labels(dataset: Dataset) -> Iterator[Check]:
    train = dataset.table[dataset.split_mask("train")] if "train" in dataset.splits else dataset.table.head(0)
    thin = []
    for task in dataset.taxonomy.tasks:
        counts = train[task.name].value_counts()
        thin += [
            f"{task.name} '{label}' ({int(counts[label])})"
            for label in task.labels
            if counts[label] < FEW_TRAIN
        ]
    if thin:
        more = f" and {len(thin) - 6} more" if len(thin) > 6 else ""
        message = f"Fewer than {FEW_TRAIN} training images: {', '.join(thin[:6])}{more}."
        yield Check("labels", "warning", message, "Add images, merge labels, or use the balanced sampler.")
    else:
        yield Check("labels", "ok", f"Every label has at least {FEW_TRAIN} training images.")
    blank = {task.name: int(train[task.name].isna().sum()) for task in dataset.taxonomy.tasks}
    if any(blank.values()):
        shown = ", ".join(f"{n:,} without {task}" for task, n in blank.items() if n)
        yield Check("missing labels", "note", f"{shown}: left out of that head's loss and figures.")


def _unreadable(dataset: Dataset) -> Check:
    n = dataset.report.quarantined
    if not n:
        return Check("images", "ok", f"All {len(dataset):,} images can be read.")
    first = next(problem for problem in dataset.report.problems if problem.quarantined)
    message = f"{n:,} of {dataset.report.rows:,} rows are left out. {first.message}"
    return Check(
        "images", "warning", message, "The validation report names them all: python -m core validate."
    )


def _disk(cache: Path, parameters: int, spec: RunSpec) -> Check:
    """State and best weights, both twice while they are replaced, the checkpoint, and room for the store."""
    copies = 3 + 1 + (1 if spec.recipe.optimizer.ema_decay else 0)
    needed = 4 * parameters * (2 * copies + 4) + 200 * MIB
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    message = f"About {needed / MIB:,.0f} MiB of disk needed, {free / MIB:,.0f} MiB free."
    if needed > free:
        return Check("disk", "stop", message, "Free some disk space.")
    return Check("disk", "ok", message)


def _memory(needed_mb: float, device: str) -> Check:
    if device == "cuda":
        import torch

        free = torch.cuda.mem_get_info()[0] / MIB
    else:
        free = psutil.virtual_memory().available / MIB
    message = f"About {needed_mb:,.0f} MiB of memory needed, {free:,.0f} MiB free on {device}."
    if needed_mb <= 0.9 * free:
        return Check("memory", "ok", message)
    if device == "cuda":
        return Check("memory", "note", f"{message} The batch is worked off in halves where it does not fit.")
    return Check("memory", "warning", message, "Use a smaller batch_size or image_size.")


def _pretraining(spec: RunSpec) -> Iterator[Check]:
    from core.errors import CheckpointError
    from core.models.backbones import create_backbone
    from core.models.pretraining import imagenet_weights

    if spec.recipe.pretraining == "none" or spec.start_from_parent:
        return
    try:
        imagenet_weights(spec.backbone, create_backbone(spec.backbone).state_dict())
    except CheckpointError as error:
        message = f"{error.title}. {error.cause} The run would start from random weights."
        yield Check(
            "pretraining",
            "warning",
            message,
            f"{error.fix} The recipes distill and scratch are made for that.",
        )
