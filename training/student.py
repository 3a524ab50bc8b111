"""The network in training: the multi-task network, and what only training needs around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from core.models.network import MultiTaskNetwork


class Student(nn.Module):
    """The network, and in distillation what maps its embedding and its feature maps to the teacher's (later
    dropped). `map_dims`: channels of the teacher's maps, of those that are learnt."""

    def __init__(
        self,
        network: MultiTaskNetwork,
        teacher_dim: int = 0,
        *,
        map_dims: Mapping[str, int] | None = None,
        keep_statistics: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.project = nn.Linear(network.embedding_dim, teacher_dim) if teacher_dim else None
        own = network.map_channels
        self.project_maps = nn.ModuleDict(
            {name: nn.Conv2d(own[name], channels, 1) for name, channels in (map_dims or {}).items()}
        )
        self.frozen = False
        self.keep_statistics = keep_statistics

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Embedding (B, D), or its image in the teacher's space (B, E); the images of the feature maps that
        are learnt in the teacher's {name: (B, C, h, w)}; and logits {task: (B, L)}."""
        if self.project_maps:
            embedding, features = self.network.embed_with_maps(x, set(self.project_maps))
        else:
            embedding, features = self.network.embed(x), {}
        maps = {name: project(features[name]) for name, project in self.project_maps.items()}
        logits = self.network.forward_heads(embedding)
        return (embedding if self.project is None else self.project(embedding)), maps, logits

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
        """Those of the backbone (`part` is "backbone"), then the heads and whatever else is trained at their
        rate ("heads")."""
        inside = {id(parameter) for parameter in self.network.backbone.parameters()}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in inside]
        return [
            {"params": list(self.network.backbone.parameters()), "part": "backbone"},
            {"params": rest, "part": "heads"},
        ]


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
