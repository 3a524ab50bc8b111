"""The optimizer: AdamW, or Muon for a backbone's matrices beside AdamW for everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import AdamW, Muon

from training import recipe
from training.student import Student


class MuonAndAdamW(torch.optim.Optimizer):
    """Muon and AdamW as one optimizer: one list of groups, one state.

    Muon (Jordan et al. 2024, torch's) makes the step of a matrix orthogonal, scaled to the size of AdamW's
    (Liu et al. 2025), so the same learning rates serve both. It wants matrices; what else a network has,
    convolutions, biases, norms, embeddings, is AdamW's.
    """

    def __init__(self, matrices: list[dict[str, Any]], others: list[dict[str, Any]], decay: float) -> None:
        self.both = (
            Muon(matrices, lr=0.0, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
            AdamW(others, lr=0.0, weight_decay=decay),
        )
        super().__init__(
            [{**group, "of": place} for place, one in enumerate(self.both) for group in one.param_groups], {}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step of both; `closure` is not supported."""
        assert closure is None
        for place, one in enumerate(self.both):  # a loaded state comes with groups of its own
            one.param_groups = [group for group in self.param_groups if group["of"] == place]
            one.state = self.state
            one.step()  # type: ignore[no-untyped-call]


def make_optimizer(settings: recipe.Optimizer, student: Student) -> torch.optim.Optimizer:
    """The optimizer of a recipe; its groups say in `part` whose learning rate is theirs (0 until set)."""
    groups = student.parameter_groups()
    matrices = [parameter for parameter in groups[0]["params"] if parameter.dim() == 2]
    others = [parameter for parameter in groups[0]["params"] if parameter.dim() != 2]
    if settings.method == "adamw" or not matrices:
        return AdamW(groups, lr=0.0, weight_decay=settings.weight_decay)
    return MuonAndAdamW(
        [{"params": matrices, "part": "backbone"}],
        [{"params": others, "part": "backbone"}, *groups[1:]],
        settings.weight_decay,
    )
