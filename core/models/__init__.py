"""Networks and checkpoints. Importing this package imports no torch: what needs it is loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.models.backbones import BACKBONES, Backbone
from core.models.card import Card, DataFacts, Measure, Preprocessing
from core.models.checkpoint import (
    Checkpoint,
    find_checkpoint,
    list_checkpoints,
    read_checkpoint,
    update_card,
)

if TYPE_CHECKING:
    from core.models.network import MultiTaskNetwork
    from core.models.weights import load_network, save_checkpoint

__all__ = [
    "BACKBONES",
    "Backbone",
    "Card",
    "Checkpoint",
    "DataFacts",
    "Measure",
    "MultiTaskNetwork",
    "Preprocessing",
    "find_checkpoint",
    "list_checkpoints",
    "load_network",
    "read_checkpoint",
    "save_checkpoint",
    "update_card",
]


def __getattr__(name: str) -> Any:
    if name == "MultiTaskNetwork":
        from core.models.network import MultiTaskNetwork

        return MultiTaskNetwork
    if name in {"load_network", "save_checkpoint"}:
        from core.models import weights

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
