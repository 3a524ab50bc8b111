"""Learning rates as a pure function of where the run is: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.recipe import Recipe


@dataclass(frozen=True)
class Rates:
    """Learning rates of one step."""

    backbone: float
    heads: float


def rates(recipe: Recipe, epoch: int, step: int, steps: int) -> Rates:
    """Rates of step `step` (of `steps`) of epoch `epoch`, both from 0.

    Linear warm-up, then cosine annealing to 0 over the phase: lr (1 + cos(pi t)) / 2, as in
    Loshchilov & Hutter 2017 without restarts within a phase, t in [0, 1) counted in steps.
    """
    index, within = recipe.phase_at(epoch)
    phase = recipe.phases[index]
    factor = _factor(recipe, within + step / steps, phase.epochs)
    return Rates(phase.backbone_lr * factor, phase.head_lr * factor)


def _factor(recipe: Recipe, position: float, epochs: int) -> float:
    warmup = min(recipe.optimizer.warmup_epochs, epochs / 2)
    if position < warmup:
        return (position + 1e-3) / (warmup + 1e-3)
    if recipe.optimizer.schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * (position - warmup) / (epochs - warmup))) / 2
