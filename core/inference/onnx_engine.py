"""ONNX: a network written as a file that other programs run, and ONNX Runtime to check it with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import InferenceError
from core.inference.engine import Outputs

if TYPE_CHECKING:
    from core.models.network import MultiTaskNetwork

OPSET = 17
INPUT = "images"
EMBEDDING = "embedding"


def output_names(tasks: tuple[str, ...]) -> list[str]:
    """The file's outputs: the embedding, then `logits.<task>` for each task."""
    return [EMBEDDING, *(f"logits.{task}" for task in tasks)]


def write_onnx(network: MultiTaskNetwork, size: int, path: Path) -> None:
    """Write `network` for inputs `images` (batch, 3, size, size) float32; any batch. Raises InferenceError
    where a layer has no ONNX form or the result is not valid, OSError where it cannot be written."""
    import onnx
    import torch

    from core.inference.openvino_model import flat

    names = output_names(network.taxonomy.names)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing warns of shapes that become constants, which they are
            torch.onnx.export(
                flat(network).eval(),
                (torch.zeros(1, 3, size, size),),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=names,
                dynamic_axes={name: {0: "batch"} for name in (INPUT, *names)},
            )
        onnx.checker.check_model(str(path), full_check=True)
    except OSError:
        raise
    except Exception as error:  # the exporter and the checker raise their own kinds
        raise InferenceError(
            f"{network.backbone_name} cannot be written as ONNX", cause=str(error)[:500], fix="Use openvino."
        ) from error


class OnnxEngine:
    """An ONNX file run by ONNX Runtime on the CPU in float32."""

    name = "onnxruntime"
    precision = "f32"
    device = "cpu"
    calibration = ""

    def __init__(self, file: Path, tasks: tuple[str, ...]) -> None:
        """Raises InferenceError where ONNX Runtime does not take the file."""
        import onnxruntime

        self._tasks = tasks
        try:
            self._session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises its own kinds
            raise InferenceError(
                "ONNX Runtime does not take the file", cause=str(error)[:500], fix="Export it again."
            ) from error

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of normalised images (B, 3, H, W) float32. Raises InferenceError."""
        try:
            embedding, *logits = self._session.run(output_names(self._tasks), {INPUT: batch})
        except Exception as error:  # as above
            raise InferenceError(
                "ONNX Runtime could not run the network", cause=str(error)[:500], fix="Export it again."
            ) from error
        return Outputs(embedding, dict(zip(self._tasks, logits, strict=True)))
