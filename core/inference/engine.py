"""Engines: one small interface over the ways to run a checkpoint, and the choice between them.

`auto` takes torch where there is a CUDA or MPS device, else OpenVINO where installed, else torch on the CPU.
int8 is OpenVINO's, must be asked for by name, and needs images to be calibrated with.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from core.errors import InferenceError
from core.inference.calibration import Calibration
from core.models.checkpoint import Checkpoint
from core.progress import Progress, silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.models.network import MultiTaskNetwork

ENGINES = ("auto", "torch", "openvino")
PRECISIONS = ("auto", "f32", "bf16", "int8")


@dataclass(frozen=True)
class Outputs:
    """What a network says of a batch: embeddings (B, D) float32 and logits {task: (B, L) float32}."""

    embeddings: npt.NDArray[np.float32]
    logits: dict[str, npt.NDArray[np.float32]]


class Engine(Protocol):
    """A network made ready on a device in one precision; safe to call from several threads."""

    @property
    def name(self) -> str:
        """ "torch" or "openvino"."""

    @property
    def precision(self) -> str:
        """ "f32", "bf16" or "int8"."""

    @property
    def calibration(self) -> str:
        """Key of the images that an int8 network was calibrated with; "" in other precisions."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda", "mps"."""

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of normalised images (B, 3, H, W) float32. Raises InferenceError."""


def open_engine(
    checkpoint: Checkpoint,
    engine: str = "auto",
    precision: str = "auto",
    *,
    cache: Path | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Engine:
    """Make a checkpoint ready to run; what OpenVINO compiles is kept under `cache` (default: the settings').

    int8 takes `calibration`, and reports to `progress` where the network has to be quantised first. Raises
    CheckpointError, InferenceError where this machine cannot run it so, and Cancelled from `progress`.
    """
    if choose_engine(engine, precision) == "torch":
        from core.inference.torch_engine import TorchEngine
        from core.models.weights import load_network

        return TorchEngine(
            load_network(checkpoint), precision=precision, size=checkpoint.card.preprocessing.size
        )
    from core.inference.openvino_engine import OpenVINOEngine
    from core.inference.openvino_model import cached_model, calibrated_model

    folder = (cache or Settings.from_environment().cache) / "openvino"
    tasks = checkpoint.taxonomy.names
    if precision != "int8":
        return OpenVINOEngine(cached_model(checkpoint, folder), tasks, precision=precision)
    if calibration is None:
        raise _uncalibrated(checkpoint.name)
    model = calibrated_model(checkpoint, folder, calibration, progress=progress)
    return OpenVINOEngine(model, tasks, precision=precision, calibration=calibration.key)


def network_engine(
    network: MultiTaskNetwork, size: int, engine: str = "auto", precision: str = "auto"
) -> Engine:
    """Make a network in memory ready to run on inputs of `size` pixels, as `open_engine` does; never int8."""
    if precision == "int8":
        raise _uncalibrated(network.backbone_name)
    if choose_engine(engine, precision) == "torch":
        from core.inference.torch_engine import TorchEngine

        return TorchEngine(network, precision=precision, size=size)
    from core.inference.openvino_engine import OpenVINOEngine
    from core.inference.openvino_model import convert

    return OpenVINOEngine(convert(network, size), network.taxonomy.names, precision=precision)


def choose_engine(engine: str = "auto", precision: str = "auto") -> str:
    """ "torch" or "openvino", by what was asked for and what is here. Raises InferenceError."""
    if engine not in ENGINES or precision not in PRECISIONS:
        raise InferenceError(
            f"There is no engine '{engine}' with precision '{precision}'",
            cause=f"Engines: {', '.join(ENGINES)}; precisions: {', '.join(PRECISIONS)}.",
            fix="Choose one of each.",
        )
    installed = importlib.util.find_spec("openvino") is not None
    if engine == "openvino" and not installed:
        raise InferenceError(
            "OpenVINO is not installed", cause="", fix="Install requirements.txt or choose the torch engine."
        )
    if precision == "int8":
        return _int8_engine(engine, installed)
    if engine == "auto":
        return "torch" if _has_accelerator() or not installed else "openvino"
    return engine


def _int8_engine(engine: str, installed: bool) -> str:
    if engine == "torch" or not installed:
        raise InferenceError(
            "int8 runs on the openvino engine only",
            cause="torch was asked for." if installed else "OpenVINO is not installed.",
            fix="Choose engine openvino, or precision f32.",
        )
    return "openvino"


def _uncalibrated(name: str) -> InferenceError:
    return InferenceError(
        f"int8 of '{name}' needs images to be calibrated with",
        cause="Ranges of activations are measured on training images of a data set.",
        fix="Run: python -m core export --data DIR --checkpoint NAME --to openvino-int8",
    )


def _has_accelerator() -> bool:
    """Whether torch has a CUDA or MPS device; torch is only imported where a driver suggests so."""
    if sys.platform != "darwin" and not Path("/dev/nvidiactl").exists():
        return False
    from core.inference.torch_engine import best_device

    return best_device() != "cpu"
