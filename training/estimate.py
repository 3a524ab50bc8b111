"""Time and memory that a run will take, from what a probe measured."""

from __future__ import annotations

from core.data.dataset import Dataset
from training.probe import Probe
from training.spec import RunSpec

MIB = 2**20
START_SECONDS = 12.0
"""Loading the libraries, and what else happens once."""


def run_seconds(spec: RunSpec, dataset: Dataset, probe: Probe) -> float:
    """Seconds from launch to finished checkpoint, without waiting in the queue."""
    recipe = spec.recipe
    sizes = {split: int(dataset.split_mask(split).sum()) for split in dataset.splits}
    train, val = sizes.get("train", 0), sizes.get("val", 0)
    seconds = START_SECONDS + probe.decode_s * (train + val) + 2 * probe.forward_s * len(dataset)
    if recipe.method == "frozen_features":
        return seconds + 2 * probe.forward_s * len(dataset)
    for phase in recipe.phases:
        step = probe.full_s if phase.backbone_lr else probe.frozen_s
        seconds += phase.epochs * (train * (step + probe.augment_s) + val * probe.forward_s)
    if recipe.distillation is not None:
        views = recipe.distillation.views or recipe.epochs
        seconds += train * views * (probe.forward_s + probe.augment_s)
    return seconds


def memory_needed(spec: RunSpec, dataset: Dataset, probe: Probe) -> float:
    """MiB: what the probe took, scaled to the batch, and the decoded images that are kept."""
    from training.probe import PROBE_BATCH

    size = spec.recipe.image_size or 224
    kept = len(dataset) * 3 * (1.2 * size) ** 2 * 1.3 / MIB
    weights = probe.parameters * 4 * 4 / MIB
    activations = max(0.0, probe.memory_mb - weights - 600) * spec.recipe.batch_size / PROBE_BATCH
    return weights + activations + kept + 600
