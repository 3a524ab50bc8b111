"""Small networks and checkpoints for tests; weights are random, everything else is real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.data.taxonomy import Task, Taxonomy
from core.models import Card, Checkpoint, MultiTaskNetwork, save_checkpoint
from core.models.preprocessing import backbone_preprocessing

TAXONOMY = Taxonomy(
    (Task("class", ("cup", "fork", "lamp")), Task("type", ("a", "b")), Task("a.b", ("x", "y")))
)
"""A task called like a method of a module, and one with a dot, since names are data."""

SMALL = "mobilenetv3_small_100"


def make_network(backbone: str = SMALL, taxonomy: Taxonomy = TAXONOMY, seed: int = 0) -> MultiTaskNetwork:
    """A network with random weights, the same for one seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MultiTaskNetwork(backbone, taxonomy).eval()


def make_card(network: MultiTaskNetwork, name: str = "small", **changes: Any) -> Card:
    """A card that fits `network`."""
    facts: dict[str, Any] = {
        "name": name,
        "backbone": network.backbone_name,
        "taxonomy": network.taxonomy.to_json(),
        "preprocessing": backbone_preprocessing(network.backbone_name),
        "embedding_dim": network.embedding_dim,
        "parameters": network.parameter_count,
        "sha256": "0" * 64,
    }
    return Card(**{**facts, **changes})


def save_small(folder: Path, name: str = "small", seed: int = 0, **options: Any) -> Checkpoint:
    """A checkpoint of a small random network in `folder/name`."""
    network = make_network(seed=seed)
    return save_checkpoint(folder / name, network, make_card(network, name), **options)


def report_state(backbone: str, heads: dict[str, int], seed: int = 0) -> dict[str, Tensor]:
    """A state dict laid out as the report's own files are: written apart from the product's code."""
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = timm.create_model(backbone, pretrained=False, num_classes=0)
        state = {f"backbone.{key}": value for key, value in body.state_dict().items()}
        width = {"deit_tiny_patch16_224": 192, "mobilevit_xxs": 320}[backbone]
        for task, labels in heads.items():
            head = nn.Sequential(
                nn.Linear(width, width // 2), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width // 2, labels)
            )
            state |= {f"{task}_head.{key}": value for key, value in head.state_dict().items()}
    return state
