"""The torch engine: CUDA, MPS or the CPU; bfloat16 where the hardware has it."""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.errors import InferenceError
from core.inference.agreement import agrees, probe_images
from core.inference.engine import Outputs
from core.inference.memory import keep_freed_memory
from core.models.network import MultiTaskNetwork

_PROBES = 8


class TorchEngine:
    """A network run eagerly by torch. On a CUDA device that runs out of memory the batch is halved."""

    name = "torch"
    calibration = ""

    def __init__(
        self,
        network: MultiTaskNetwork,
        *,
        precision: str = "auto",
        device: str | None = None,
        size: int = 224,
    ) -> None:
        self.device = device or best_device()
        if self.device == "cpu":
            keep_freed_memory()
        self._network = network.eval().to(self.device)
        self.precision = "f32"
        self.precision = self._settle(precision, size)

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of normalised images (B, 3, H, W) float32. Raises InferenceError where memory runs out."""
        try:
            return self._forward(torch.from_numpy(batch))
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            if len(batch) == 1:
                raise InferenceError(
                    "The accelerator has no memory for one image",
                    cause=str(error)[:300],
                    fix="Free it, or use the CPU.",
                ) from error
        half = len(batch) // 2
        return _joined(self.run(batch[:half]), self.run(batch[half:]))

    def _forward(self, images: Tensor) -> Outputs:
        low = self.precision == "bf16"
        cast = torch.autocast(self.device, dtype=torch.bfloat16) if low else contextlib.nullcontext()
        with torch.inference_mode(), cast:
            embeddings, logits = self._network(images.to(self.device))
        return Outputs(_array(embeddings), {task: _array(value) for task, value in logits.items()})

    def _settle(self, wanted: str, size: int) -> str:
        if wanted == "f32" or (wanted == "auto" and not has_bf16(self.device)):
            return "f32"
        if wanted == "bf16":
            if not has_bf16(self.device):
                raise InferenceError(
                    "This device has no bf16",
                    cause=f"Device: {self.device}.",
                    fix='Use precision "f32" or "auto".',
                )
            return "bf16"
        images = probe_images(size, _PROBES)
        exact = self.run(images)
        self.precision = "bf16"
        return "bf16" if agrees(exact, self.run(images)) else "f32"


def best_device() -> str:
    """ "cuda" or "mps" where there is one, else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def has_bf16(device: str) -> bool:
    """Whether `device` computes bfloat16 in hardware rather than by emulation."""
    if device == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8
    if device == "mps":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _array(value: Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = value.float().cpu().numpy()
    return array


def _joined(one: Outputs, other: Outputs) -> Outputs:
    logits = {task: np.concatenate([one.logits[task], other.logits[task]]) for task in one.logits}
    return Outputs(np.concatenate([one.embeddings, other.embeddings]), logits)
