"""The multi-task network: one backbone, one embedding, one head per task."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import quote

import torch
from torch import Tensor, nn

from core.data.taxonomy import Taxonomy
from core.models.backbones import create_backbone, find_backbone
from core.models.pretraining import NO_PRETRAINING, imagenet_weights

FEATURE_DROPOUT = 0.1
HEAD_DROPOUT = 0.2
MAPS = ("map", "middle")
"""The feature maps that a network can give."""


def make_head(dimension: int, labels: int) -> nn.Sequential:
    """A head (B, D) -> (B, L): Linear(D, D/2), ReLU, Dropout 0.2, Linear(D/2, L)."""
    return nn.Sequential(
        nn.Linear(dimension, dimension // 2),
        nn.ReLU(),
        nn.Dropout(HEAD_DROPOUT),
        nn.Linear(dimension // 2, labels),
    )


def head_key(task: str) -> str:
    """The name of a task's head among the parameters: `heads.<key>.0.weight`.

    It is the task's name, percent-encoded because a module's name may hold no dot, and with a trailing "%"
    where the name would hide a method of the module (a task called "type").
    """
    key = quote(task, safe=" ").replace(".", "%2E")
    return f"{key}%" if hasattr(nn.ModuleDict(), key) else key


class MultiTaskNetwork(nn.Module):
    """A timm backbone with one head per task of a taxonomy, after Team 13's report.

    `pretraining` records where the backbone's weights began. Raises CheckpointError for a backbone that is
    not on the allow-list.
    """

    def __init__(
        self,
        backbone_name: str,
        taxonomy: Taxonomy,
        pretrained: bool = False,
        *,
        allow_hub: bool | None = None,
    ) -> None:
        super().__init__()
        self.backbone_name = backbone_name
        self.taxonomy = taxonomy
        self.embedding_dim = find_backbone(backbone_name).embedding_dim
        self.backbone = create_backbone(backbone_name)
        self.pretraining = NO_PRETRAINING
        if pretrained:
            weights = imagenet_weights(backbone_name, self.backbone.state_dict(), allow_hub=allow_hub)
            self.backbone.load_state_dict(weights.state)
            self.pretraining = weights.source
        self.dropout = nn.Dropout(FEATURE_DROPOUT)
        self.heads = nn.ModuleDict(
            {head_key(task.name): make_head(self.embedding_dim, len(task.labels)) for task in taxonomy.tasks}
        )

    def embed(self, x: Tensor) -> Tensor:
        """Embeddings (B, D) of normalised images (B, 3, H, W)."""
        embedding: Tensor = self.backbone(x)
        return embedding

    def embed_with_maps(self, x: Tensor, names: Collection[str] = MAPS) -> tuple[Tensor, dict[str, Tensor]]:
        """Embeddings (B, D), and the feature maps (B, C, h, w) that were asked for.

        `map` is what the embedding comes from (a transformer's patches). `middle` is that of the layer whose
        places cover 16 pixels, or where all layers' do, as a transformer's, of the middle one.
        """
        backbone: Any = self.backbone
        maps: dict[str, Tensor] = {}
        if "middle" in names:
            features, (maps["middle"],) = backbone.forward_intermediates(
                x, indices=[self._middle], norm=False, output_fmt="NCHW"
            )
        else:
            features = backbone.forward_features(x)
        embedding: Tensor = backbone.forward_head(features)
        if "map" in names:
            maps["map"] = features if features.dim() == 4 else self._patches(features, x.shape[2:])
        return embedding, maps

    def _patches(self, tokens: Tensor, sides: Sequence[int]) -> Tensor:
        """A transformer's tokens (B, prefix + h * w, C) without the prefix, as a map (B, C, h, w)."""
        backbone: Any = self.backbone
        size = backbone.patch_embed.patch_size
        grid = [side // step for side, step in zip(sides, size, strict=True)]
        return tokens[:, backbone.num_prefix_tokens :].transpose(1, 2).reshape(len(tokens), -1, *grid)

    @property
    def _middle(self) -> int:
        """The place of the layer that gives `middle`, among those that timm lists."""
        backbone: Any = self.backbone
        fine = [place for place, layer in enumerate(backbone.feature_info) if layer["reduction"] == 16]
        return fine[(len(fine) - 1) // 2]

    def forward_heads(self, embedding: Tensor) -> dict[str, Tensor]:
        """Logits {task: (B, L)} of embeddings (B, D)."""
        features = self.dropout(embedding)
        return {task: self.heads[head_key(task)](features) for task in self.taxonomy.names}

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Embeddings (B, D) and logits {task: (B, L)} of normalised images (B, 3, H, W)."""
        embedding = self.embed(x)  # (B, D)
        return embedding, self.forward_heads(embedding)

    @property
    def map_channels(self) -> dict[str, int]:
        """Channels C of each feature map."""
        backbone: Any = self.backbone
        return {
            "map": int(backbone.num_features),
            "middle": int(backbone.feature_info[self._middle]["num_chs"]),
        }

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())


def seeded(seed: int) -> torch.Generator:
    """A generator for repeatable initialisation and shuffling."""
    return torch.Generator().manual_seed(seed)
