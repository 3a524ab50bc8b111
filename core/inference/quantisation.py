"""From a network in OpenVINO's form to one that computes in int8: NNCF's post-training quantisation.

Weights are rounded per channel, activations per tensor with ranges measured on calibration images.
Convolutional networks take NNCF's plain recipe with symmetric weights and asymmetric activations; networks
with attention take its transformer recipe, which leaves normalisations and attention scores alone and moves
large activations into the weights (SmoothQuant: Xiao et al. 2023, arXiv:2211.10438). The heads stay in
float32: they are a hundredth of the work, and what is rounded once, in the embedding, need not be rounded
again. Processors without VNNI add two products of 8 bits in 16 and clip, so weights use half of their range,
and a file serves every machine. Biases are corrected the slow way, layer by layer. docs/benchmarks.md has
what each of these choices is worth.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.images import read_bytes
from core.errors import ImageError, InferenceError, VitrineError
from core.inference.calibration import Calibration
from core.inference.preprocessing import preprocess
from core.models.card import Preprocessing
from core.progress import Progress, silent

RECIPE = "nncf-mixed-1"
"""Named in cache keys: another recipe makes other networks."""
_ATTENTION = ("ScaledDotProductAttention", "Softmax")
"""Operations by which a network with attention is known; heads have none."""
_HEADS = ".*heads.*"


def quantise(
    model: Any, preprocessing: Preprocessing, calibration: Calibration, *, progress: Progress = silent
) -> Any:
    """An int8 `openvino.Model` with the inputs and outputs of `model`, which is left as it is.

    Images that cannot be read are passed over. Raises InferenceError where NNCF is not installed, no image
    can be read or the network cannot be quantised, and Cancelled from `progress`.
    """
    try:
        import nncf
    except ImportError as error:
        raise InferenceError(
            "NNCF is not installed",
            cause=str(error),
            fix="Install requirements.txt, or choose another precision.",
        ) from error
    images = _Images(calibration, preprocessing, progress)
    transformer = any(operation.get_type_name() in _ATTENTION for operation in model.get_ops())
    try:
        with _quiet():
            quantised = nncf.quantize(
                _halved(model),
                nncf.Dataset(images),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(calibration.files),
                fast_bias_correction=False,
                model_type=nncf.ModelType.TRANSFORMER if transformer else None,
                ignored_scope=nncf.IgnoredScope(patterns=[_HEADS], validate=False),
                advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
            )
    except VitrineError:
        raise
    except Exception as error:  # NNCF raises its own kinds, RuntimeError and ValueError
        raise InferenceError(
            "This network cannot be quantised", cause=str(error)[:500], fix="Use precision f32."
        ) from error
    quantised.reshape([-1, *list(model.inputs[0].partial_shape)[1:]])
    return quantised


def _halved(model: Any) -> Any:
    """`model` with weights stored in 16 bits: what is not quantised takes half the space. (OpenVINO does not
    do so for a model that is quantised already.)"""
    import openvino

    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file is gone before the model is
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.xml"
        openvino.save_model(model, file, compress_to_fp16=True)
        return core.read_model(file)


class _Images:
    """The calibration images as inputs (1, 3, H, W), one by one, as often as they are asked for."""

    def __init__(self, calibration: Calibration, preprocessing: Preprocessing, progress: Progress) -> None:
        self._files, self._preprocessing, self._progress = calibration.files, preprocessing, progress
        self._passes = 0

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        self._passes += 1
        note, read = f"calibrating int8, pass {self._passes}", 0
        for number, file in enumerate(self._files):
            self._progress(number, len(self._files), note)
            try:
                yield preprocess(read_bytes(file), self._preprocessing)[None]
            except ImageError:
                continue
            read += 1
        if not read:
            raise InferenceError(
                "int8 cannot be calibrated",
                cause=f"None of {len(self._files)} images can be read.",
                fix="Mend the images, or choose another data set.",
            )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """NNCF draws bars on stdout, where commands print their results, and logs what it skips."""
    log = logging.getLogger("nncf")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        log.setLevel(level)
