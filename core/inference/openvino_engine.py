"""The OpenVINO engine: fixed batches, a queue of requests, the precision said aloud."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InferenceError
from core.inference.agreement import agrees, probe_images
from core.inference.engine import Outputs

FIXED_BATCH = 8
"""Networks are compiled for this many images: a free batch size halves MobileViT's speed."""


class OpenVINOEngine:
    """A converted network on the CPU. One image runs alone; more run in batches of `FIXED_BATCH`, padded."""

    name = "openvino"
    device = "cpu"

    def __init__(
        self, model: Any, tasks: tuple[str, ...], *, precision: str = "auto", calibration: str = ""
    ) -> None:
        import openvino

        self._core = openvino.Core()
        self._model = model
        self._tasks = tasks
        self._lock = threading.Lock()
        self._queues: dict[int, Any] = {}
        self.calibration = calibration
        self.precision = "f32"
        self.precision = self._settle(precision)

    def run(self, batch: npt.NDArray[np.float32]) -> Outputs:
        """Outputs of normalised images (B, 3, H, W) float32. Raises InferenceError."""
        step = 1 if len(batch) == 1 else FIXED_BATCH
        chunks: dict[int, list[npt.NDArray[np.float32]]] = {}
        with self._lock:
            queue = self._queue(step)
            queue.set_callback(lambda request, first: chunks.__setitem__(first, _results(request)))
            try:
                for first in range(0, len(batch), step):
                    queue.start_async({0: _padded(batch[first : first + step], step)}, first)
                queue.wait_all()
            except RuntimeError as error:
                raise InferenceError(
                    "OpenVINO could not run the network", cause=str(error)[:500], fix="Use the torch engine."
                ) from error
        parts = [
            np.concatenate(part)[: len(batch)]
            for part in zip(*(chunks[k] for k in sorted(chunks)), strict=True)
        ]
        return Outputs(parts[0], dict(zip(self._tasks, parts[1:], strict=True)))

    def _queue(self, batch: int) -> Any:
        if batch not in self._queues:
            self._queues[batch] = self._compile(batch)
        return self._queues[batch]

    def _compile(self, batch: int) -> Any:
        import openvino

        model = self._model.clone()
        model.reshape([batch, *list(self._model.inputs[0].partial_shape)[1:]])
        hint = "LATENCY" if batch == 1 else "THROUGHPUT"
        exact = "f32" if self.precision == "int8" else self.precision  # of what is not quantised
        options = {"INFERENCE_PRECISION_HINT": exact, "PERFORMANCE_HINT": hint}
        compiled = self._core.compile_model(model, "CPU", options)
        return openvino.AsyncInferQueue(compiled, compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))

    def _settle(self, wanted: str) -> str:
        """The precision to run in: bf16 only where the CPU has it and, unless asked for, where it agrees."""
        if wanted == "int8":  # the model itself is
            return "int8"
        if wanted == "f32" or (wanted == "auto" and not self._has_bf16()):
            return "f32"
        if wanted == "bf16":
            if not self._has_bf16():
                raise InferenceError(
                    "This processor has no bf16",
                    cause="OpenVINO does not list BF16 among its capabilities.",
                    fix='Use precision "f32" or "auto".',
                )
            return "bf16"
        return self._bf16_where_it_agrees()

    def _bf16_where_it_agrees(self) -> str:
        images = probe_images(self._model.inputs[0].partial_shape[2].get_length(), FIXED_BATCH)
        exact = self.run(images)
        self._queues.clear()
        self.precision = "bf16"
        if agrees(exact, self.run(images)):
            return "bf16"
        self._queues.clear()
        return "f32"

    def _has_bf16(self) -> bool:
        return "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _results(request: Any) -> list[npt.NDArray[np.float32]]:
    return [np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors]


def _padded(images: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    if len(images) == size:
        return np.ascontiguousarray(images)
    padded = np.zeros((size, *images.shape[1:]), np.float32)
    padded[: len(images)] = images
    return padded
