"""One module per class; each has ``build(kit)``, which makes an instance that looks along -y."""

from __future__ import annotations

import importlib

from training.studio.catalogue import BY_LABEL
from training.studio.kit import Kit


def build(kit: Kit) -> None:
    """Make the instance's parts below the kit's root."""
    module = importlib.import_module(f"training.studio.products.{BY_LABEL[kit.instance.class_label].module}")
    module.build(kit)
