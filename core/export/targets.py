"""The forms that a checkpoint can be exported to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One form: the engine that runs it, in which precision, and the files that it consists of."""

    name: str
    engine: str
    precision: str
    files: tuple[str, ...]


_OPENVINO = ("model.xml", "model.bin")
TARGETS = {
    target.name: target
    for target in (
        Target("openvino-int8", "openvino", "int8", _OPENVINO),
        Target("openvino-bf16", "openvino", "bf16", _OPENVINO),
        Target("onnx", "onnxruntime", "f32", ("model.onnx",)),
    )
}
"""By the name that `python -m core export --to` takes."""
