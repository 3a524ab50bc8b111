"""Losses of several heads at once; a missing label counts in none of them.

Every loss is a sum over the images at hand divided by what the whole batch holds, so that a batch that is
worked off in parts, because it does not fit into memory, gives the same gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from core.data.taxonomy import MISSING, Taxonomy
from training.recipe import Distillation, Loss

Labels = Mapping[str, Tensor]
"""{task: (B,) int64, -1 where missing}"""


@dataclass(frozen=True)
class Targets:
    """What a batch of B images should give; with mixup an image is `share` itself, the rest its partner."""

    labels: Labels
    size: int
    """B of the whole batch, also in a part of it."""
    norms: Mapping[str, Tensor]
    """{task: weight of all labels in the whole batch}, the denominator of the task's mean."""
    partner_labels: Labels | None = None
    partner_norms: Mapping[str, Tensor] | None = None
    share: float = 1.0
    teacher_embedding: Tensor | None = None
    """(B, E) float32"""
    teacher_maps: Mapping[str, Tensor] | None = None
    """{name: (B, C, h, w) float32}"""
    teacher_logits: Mapping[str, Tensor] | None = None
    """{task: (B, L) float32}, in the student's order of labels"""

    def part(self, rows: slice) -> Targets:
        """The targets of some of the images; the denominators stay those of the whole batch."""
        return replace(
            self,
            labels=_part(self.labels, rows),
            partner_labels=_part(self.partner_labels, rows) if self.partner_labels else None,
            teacher_embedding=None if self.teacher_embedding is None else self.teacher_embedding[rows],
            teacher_maps=_part(self.teacher_maps, rows) if self.teacher_maps else None,
            teacher_logits=_part(self.teacher_logits, rows) if self.teacher_logits else None,
        )


class MultiTaskLoss:
    """Sum over tasks of weight x cross-entropy; in the report 1 for the class, 0.5 for each attribute."""

    def __init__(self, recipe: Loss, taxonomy: Taxonomy, class_weights: Mapping[str, Tensor]) -> None:
        self.smoothing = recipe.label_smoothing
        self.class_weights = class_weights
        primary = taxonomy.primary.name
        self.weights = {
            name: recipe.primary_weight if name == primary else recipe.attribute_weight
            for name in taxonomy.names
        }

    def __call__(self, logits: Mapping[str, Tensor], targets: Targets) -> dict[str, Tensor]:
        """Weighted loss (a scalar) per task."""
        return {
            name: weight * self._task(name, logits[name], targets) for name, weight in self.weights.items()
        }

    def norms(self, labels: Labels) -> dict[str, Tensor]:
        """The denominators of a batch's means: weight of its labels per task, at least a tiny number."""
        return {name: self._weight(name, codes).clamp(min=1e-12) for name, codes in labels.items()}

    def _weight(self, name: str, codes: Tensor) -> Tensor:
        known = codes[codes != MISSING]
        weights = self.class_weights.get(name)
        return (
            torch.as_tensor(float(len(known)), device=codes.device)
            if weights is None
            else weights[known].sum()
        )

    def _task(self, name: str, logits: Tensor, targets: Targets) -> Tensor:
        own = self._sum(name, logits, targets.labels[name]) / targets.norms[name]
        if targets.partner_labels is None or targets.partner_norms is None:
            return own
        other = self._sum(name, logits, targets.partner_labels[name]) / targets.partner_norms[name]
        return targets.share * own + (1 - targets.share) * other

    def _sum(self, name: str, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits.float(),
            labels,
            weight=self.class_weights.get(name),
            ignore_index=MISSING,
            label_smoothing=self.smoothing,
            reduction="sum",
        )


class DistillationLoss:
    """What a teacher adds: cosine distance of features, and divergence of softened probabilities.

    Hinton et al. 2015 for the logits (the divergence is scaled by T^2). The student's embedding (B, D) is
    mapped to the teacher's (B, E) by a linear layer that is thrown away later, and so are its feature maps,
    the last and a middle one (the "hint" of FitNets, Romero et al. 2015), each place to the teacher's: a
    transformer that sees few pictures learns where things are from a convolutional network ("locality
    guidance", Li et al. 2022).
    """

    def __init__(self, recipe: Distillation) -> None:
        self.recipe = recipe

    def __call__(
        self,
        projected: Tensor,
        maps: Mapping[str, Tensor],
        logits: Mapping[str, Tensor],
        targets: Targets,
    ) -> dict[str, Tensor]:
        """Weighted losses (scalars) `teacher_features`, `teacher_map`, `teacher_middle`, `teacher_logits`.

        `projected` is (B, E), each of `maps` (B, C, h, w).
        """
        losses = {}
        if targets.teacher_embedding is not None and self.recipe.feature_weight:
            cosine = functional.cosine_similarity(projected.float(), targets.teacher_embedding)
            losses["teacher_features"] = self.recipe.feature_weight * (1 - cosine).sum() / targets.size
        for name, places in (targets.teacher_maps or {}).items():
            cosine = functional.cosine_similarity(maps[name].float(), places)  # (B, h, w)
            weight = self.recipe.map_weights[name]
            losses[f"teacher_{name}"] = weight * (1 - cosine).mean((1, 2)).sum() / targets.size
        if targets.teacher_logits and self.recipe.logit_weight:
            parts = [self._divergence(logits[name], other) for name, other in targets.teacher_logits.items()]
            losses["teacher_logits"] = self.recipe.logit_weight * torch.stack(parts).mean() / targets.size
        return losses

    def _divergence(self, own: Tensor, teacher: Tensor) -> Tensor:
        heat = self.recipe.temperature
        student = functional.log_softmax(own.float() / heat, dim=1)
        target = functional.log_softmax(teacher / heat, dim=1)
        return functional.kl_div(student, target, reduction="sum", log_target=True) * heat**2


def label_weights(codes: Tensor, labels: int) -> Tensor:
    """Weights (L,) float32 by inverse frequency: mean 1 over labels that occur, 0 for those that do not."""
    counts = torch.bincount(codes[codes != MISSING], minlength=labels).float()
    weights = torch.where(counts > 0, 1.0 / counts.clamp(min=1), torch.zeros(labels))
    return weights * (counts > 0).sum().clamp(min=1) / weights.sum().clamp(min=1e-12)


def _part(values: Mapping[str, Tensor], rows: slice) -> dict[str, Tensor]:
    return {name: value[rows] for name, value in values.items()}
