"""The network in training: the multi-task network, and what only training needs around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from core.models.network import MultiTaskNetwork


class Student(nn.Module):
    """The network, and in distillation what maps its embedding and its feature map to the teacher's (later
    dropped)."""

    def __init__(
        self,
        network: MultiTaskNetwork,
        teacher_dim: int = 0,
        *,
        map_dim: int = 0,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.project = nn.Linear(network.embedding_dim, teacher_dim) if teacher_dim else None
        self.project_map = nn.Conv2d(network.map_channels, map_dim, 1) if map_dim else None
        self.frozen = False
        self.keep_statistics = keep_statistics

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        """Embedding (B, D), or its image in the teacher's space (B, E); the image of the feature map in the
        teacher's (B, C, h, w), where one is learnt; and logits {task: (B, L)}."""
        if self.project_map is None:
            embedding, places = self.network.embed(x), None
        else:
            embedding, features = self.network.embed_with_map(x)
            places = self.project_map(features)
        logits = self.network.forward_heads(embedding)
        return (embedding if self.project is None else self.project(embedding)), places, logits

    def freeze_backbone(self, frozen: bool) -> None:
        """Frozen means frozen: no gradient, and neither dropout nor new batch statistics in the backbone."""
        self.frozen = frozen
        self.network.backbone.requires_grad_(not frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Student:
        """Training mode, with a frozen backbone, or the batch norm of one that keeps its statistics, left in
        evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.network.backbone.eval()
        elif self.keep_statistics:
            for module in self.network.backbone.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Backbone first, then the heads and whatever else is trained at their rate."""
        inside = {id(parameter) for parameter in self.network.backbone.parameters()}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in inside]
        return [{"params": list(self.network.backbone.parameters())}, {"params": rest}]


def plain_attention(network: nn.Module) -> None:
    """Let attention be computed step by step.

    On CPUs torch's fused attention is slow backwards: it took 45 % of a step of DeiT-Tiny.
    """
    for module in network.modules():
        if getattr(module, "fused_attn", False):
            setattr(module, "fused_attn", False)  # noqa: B010


def moving_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and statistics whose decay grows over the first steps.

    The decay at step n is min(decay, (1 + n) / (10 + n)), as in timm and TensorFlow.
    """

    @torch.no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
        now = min(decay, (1 + int(steps)) / (10 + int(steps)))
        floats = bool(averaged) and averaged[0].is_floating_point()
        if floats:
            torch._foreach_lerp_(list(averaged), list(current), 1 - now)
        else:
            for one, other in zip(averaged, current, strict=True):
                one.copy_(other)

    average: Any = AveragedModel(network, multi_avg_fn=update, use_buffers=True)
    return average.requires_grad_(False)  # type: ignore[no-any-return]
