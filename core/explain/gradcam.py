"""Grad-CAM: which part of the picture spoke for a label (Selvaraju et al., 2017, arXiv:1610.02391)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


@dataclass(frozen=True)
class Heatmap:
    """Evidence for one label: `values` (H, W) float32 in [0, 1] over the network's own view of the picture.

    `view` (H, W, 3) uint8 is that view: resized and cropped as the checkpoint's card says. `values` are
    relative within one picture: 1 is where the evidence was strongest, and all zero means that nothing in
    the picture spoke for the label.
    """

    values: npt.NDArray[np.float32]
    view: npt.NDArray[np.uint8]

    @property
    def empty(self) -> bool:
        """Whether no region raised the label's logit."""
        return not bool((self.values > 0).any())

    def overlay(self, weight: float = 0.5) -> npt.NDArray[np.uint8]:
        """The view with the evidence laid over it, (H, W, 3) uint8; `weight` in (0, 1): the view's share."""
        import cv2
        from pytorch_grad_cam.utils.image import show_cam_on_image

        picture = self.view.astype(np.float32) / 255.0
        blended: npt.NDArray[np.uint8] = show_cam_on_image(
            picture, self.values, use_rgb=True, colormap=cv2.COLORMAP_INFERNO, image_weight=weight
        )
        return blended


def gradcam(
    network: Any, pixels: npt.NDArray[np.float32], view: npt.NDArray[np.uint8], *, task: str, label: int
) -> Heatmap:
    """Explain the logit of label code `label` of head `task` for `pixels` (3, H, W), normalised float32.

    `network` is a `MultiTaskNetwork` whose `backbone` is a timm model. Raises InferenceError where the
    backbone has no feature map that Grad-CAM is defined on, or the head or label does not exist.
    """
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layers, reshape = target_layers(network.backbone)
    head = _head(network, task, label)
    # Parameters need no gradient here; the input does, so that the feature maps receive theirs.
    batch = torch.from_numpy(np.ascontiguousarray(pixels[None])).requires_grad_(True)
    with torch.enable_grad(), GradCAM(model=head, target_layers=layers, reshape_transform=reshape) as cam:
        values = cam(input_tensor=batch, targets=[ClassifierOutputTarget(label)])[0]
    return Heatmap(values=np.nan_to_num(np.asarray(values, dtype=np.float32)), view=view)


def target_layers(backbone: torch.nn.Module) -> tuple[list[Any], Callable[[Any], Any] | None]:
    """The layers whose activations are explained, and how to turn tokens into a (B, C, H, W) map.

    Raises InferenceError for an architecture without a known last feature map.
    """
    if hasattr(backbone, "blocks") and hasattr(backbone, "patch_embed"):
        return [backbone.blocks[-1].norm1], _tokens_to_map(backbone)  # type: ignore[index, union-attr]
    for name in ("final_conv", "bn2", "conv_head"):
        layer = getattr(backbone, name, None)
        if layer is not None:
            return [layer], None
    raise InferenceError(
        "Grad-CAM does not know this network",
        cause=f"{type(backbone).__name__} has no last feature map with a known name.",
        fix="Choose a checkpoint on a ViT / DeiT, MobileViT or EfficientNet backbone.",
    )


def _tokens_to_map(backbone: Any) -> Callable[[Any], Any]:
    prefix, (height, width) = backbone.num_prefix_tokens, backbone.patch_embed.grid_size

    def reshape(tokens: Any) -> Any:
        patches = tokens[:, prefix:]  # (B, prefix + h*w, C) -> (B, h*w, C)
        return patches.reshape(len(patches), height, width, -1).permute(0, 3, 1, 2)  # (B, C, h, w)

    return reshape


def _head(network: Any, task: str, label: int) -> torch.nn.Module:
    """`network` seen as a classifier of one task: images (B, 3, H, W) -> logits (B, L)."""
    import torch

    labels = network.taxonomy[task].labels
    if not 0 <= label < len(labels):
        raise InferenceError(
            "There is no such label to explain",
            cause=f"Label number {label} was asked for; '{task}' has {len(labels)}.",
            fix="Choose a label of this head.",
        )

    class Head(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.network(images)[1][task]
            return logits

    return Head().eval()
