"""Where ImageNet weights come from: a Python package that carries them, or the hub where that is allowed."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from core.errors import CheckpointError
from core.models.backbones import Backbone, find_backbone

NO_PRETRAINING = "none"
"""Recorded where a backbone started from random weights."""


@dataclass(frozen=True)
class PretrainedWeights:
    """A backbone's ImageNet state and where it came from."""

    state: dict[str, Tensor]
    source: str


def imagenet_weights(
    name: str, like: dict[str, Tensor], *, allow_hub: bool | None = None
) -> PretrainedWeights:
    """ImageNet weights of backbone `name`, mapped onto the keys and shapes of the state dict `like`.

    The hub is asked only where `allow_hub` is true (default: the environment variable VITRINE_ALLOW_HUB=1).
    Raises CheckpointError where there are none to be had, with what to do about it.
    """
    backbone = find_backbone(name)
    package = _package(backbone)
    if package is not None:
        source = f"imagenet ({backbone.package}, Apache-2.0)"
        return PretrainedWeights(_map_in_order(_package_state(package), like, source), source)
    allowed = os.environ.get("VITRINE_ALLOW_HUB") == "1" if allow_hub is None else allow_hub
    if not allowed:
        raise _unavailable(
            backbone, "Downloads from the hub are off.", "Set VITRINE_ALLOW_HUB=1 on a machine online"
        )
    return _from_hub(backbone)


def _package(backbone: Backbone) -> ModuleType | None:
    try:
        return importlib.import_module(backbone.package) if backbone.package else None
    except ImportError:
        return None


def _package_state(package: ModuleType) -> dict[str, Tensor]:
    files = sorted((Path(str(package.__file__)).parent / "models").glob("*.pth"))
    if len(files) != 1:
        raise CheckpointError(
            f"{package.__name__} carries no weights", cause=f"{len(files)} files.", fix="Install it again."
        )
    state: dict[str, Tensor] = torch.load(files[0], map_location="cpu", weights_only=True)
    return state


def _map_in_order(state: dict[str, Tensor], like: dict[str, Tensor], source: str) -> dict[str, Tensor]:
    """Both networks list their layers in one order: pair them up, refuse a pair of different shapes."""
    body = [
        (key, value) for key, value in state.items() if not key.startswith(("_fc.", "fc.", "classifier."))
    ]
    if len(body) != len(like):
        raise CheckpointError(
            "The ImageNet weights do not fit",
            cause=f"{source}: {len(body)} tensors, not {len(like)}.",
            fix=_PINNED,
        )
    for (theirs, value), (ours, wanted) in zip(body, like.items(), strict=True):
        if value.shape != wanted.shape or theirs.rsplit(".", 1)[-1] != ours.rsplit(".", 1)[-1]:
            raise CheckpointError(
                "The ImageNet weights do not fit",
                cause=f"{source}: {theirs} {tuple(value.shape)} against {ours} {tuple(wanted.shape)}.",
                fix=_PINNED,
            )
    return {ours: value for ours, (_, value) in zip(like, body, strict=True)}


_PINNED = "Install the versions that requirements.txt pins."


def _from_hub(backbone: Backbone) -> PretrainedWeights:
    import timm

    try:
        network = timm.create_model(backbone.name, pretrained=True, num_classes=0)
    except Exception as error:  # the hub's clients raise many kinds: no route, a bad certificate
        raise _unavailable(backbone, f"The hub could not be read: {error}", "Try again online") from error
    tag = network.pretrained_cfg.get("hf_hub_id") or network.pretrained_cfg.get("url") or backbone.name
    return PretrainedWeights(network.state_dict(), f"imagenet (timm hub, {tag})")


def _unavailable(backbone: Backbone, cause: str, fix: str) -> CheckpointError:
    return CheckpointError(
        f"There are no ImageNet weights for {backbone.name} here",
        cause=cause
        if backbone.package is None
        else f"{cause} The package {backbone.package} is not installed.",
        fix=f"{fix}, choose another backbone, or train from random weights (pretraining: {NO_PRETRAINING}).",
    )
