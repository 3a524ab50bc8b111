"""Muon beside AdamW: who steps what, how large, with whose rate, and that a stopped run goes on the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from core.data.taxonomy import Task, Taxonomy
from core.errors import Cancelled
from core.models.network import MultiTaskNetwork
from core.settings import Settings
from tests.training_case import tiny_spec
from tests.unit.test_loop import make_loop, same, weights
from training.optimizer import MuonAndAdamW, make_optimizer
from training.recipe import Optimizer
from training.student import Student

MUON = Optimizer(method="muon", weight_decay=0.0)
DEIT = "deit_tiny_patch16_224"
PHASES = [
    {"name": "heads", "epochs": 1, "backbone_lr": 0.0, "head_lr": 0.001},
    {"name": "all", "epochs": 1, "backbone_lr": 0.0005, "head_lr": 0.001},
]


def student(backbone: str = DEIT) -> Student:
    return Student(MultiTaskNetwork(backbone, Taxonomy((Task("class", ("a", "b")),))))


def step_of(settings: Optimizer, backbone_lr: float, head_lr: float) -> tuple[Student, dict[str, Tensor]]:
    """How far each parameter goes in one step with random gradients."""
    torch.manual_seed(0)
    network = student()
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    optimizer = make_optimizer(settings, network)
    for group in optimizer.param_groups:
        group["lr"] = backbone_lr if group["part"] == "backbone" else head_lr
    for value in network.parameters():
        value.grad = torch.randn_like(value)
    optimizer.step()
    return network, {name: value.detach() - before[name] for name, value in network.named_parameters()}


def test_a_matrix_takes_an_orthogonal_step_of_the_size_of_adamws() -> None:
    _, steps = step_of(MUON, 0.01, 0.01)
    moved = steps["network.backbone.blocks.3.mlp.fc1.weight"]  # (768, 192)
    singular = torch.linalg.svdvals(moved)
    assert singular.max() < 2 * singular.min()  # five Newton-Schulz steps bring them near to one size
    assert moved.square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.25)


def test_what_is_no_matrix_of_the_backbone_takes_adamws_step() -> None:
    _, muon = step_of(MUON, 0.01, 0.02)
    network, adamw = step_of(Optimizer(weight_decay=0.0), 0.01, 0.02)
    matrices = {
        f"network.backbone.{n}" for n, v in network.network.backbone.named_parameters() if v.dim() == 2
    }
    assert len(matrices) == 4 * 12
    for name, moved in muon.items():
        assert torch.equal(moved, adamw[name]) == (name not in matrices), name


def test_each_part_goes_by_its_own_rate() -> None:
    _, frozen = step_of(MUON, 0.0, 0.01)
    for name, moved in frozen.items():
        assert bool(moved.any()) == (not name.startswith("network.backbone.")), name


def test_a_backbone_without_matrices_is_adamws() -> None:
    assert isinstance(make_optimizer(MUON, student("tf_efficientnet_lite0")), torch.optim.AdamW)
    assert isinstance(make_optimizer(MUON, student()), MuonAndAdamW)


def test_a_run_with_muon_goes_on_bit_for_bit(settings: Settings) -> None:
    spec = tiny_spec(settings, phases=PHASES, optimizer__method="muon").model_copy(update={"backbone": DEIT})
    whole = make_loop(settings, spec, "whole")
    before = weights(whole.parts)
    whole.run()
    after = weights(whole.parts)
    trained = [name for name, _ in whole.parts.bare.named_parameters() if "project" not in name]
    assert not any(torch.equal(before[name], after[name]) for name in trained)  # also behind accelerate
    stop = whole.steps + max(1, whole.steps // 2)  # within the second phase
    stopped = make_loop(settings, spec, "stopped", stop)
    with pytest.raises(Cancelled):
        stopped.run()
    resumed = make_loop(settings, spec, "stopped")
    resumed.resume()
    resumed.run()
    assert same(after, weights(resumed.parts))
