"""OpenVINO's form of a network, exact or in int8: made once, kept in the cache, read back without torch."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InferenceError
from core.files import atomic_write_json, cache_key, sha256_file
from core.inference.calibration import Calibration
from core.models.checkpoint import Checkpoint, read_weights
from core.progress import Progress, silent

if TYPE_CHECKING:
    from torch import nn

    from core.models.network import MultiTaskNetwork

_SCHEMA = "openvino-2"
_FILES = ("model.xml", "model.bin")


def cached_model(checkpoint: Checkpoint, folder: Path) -> Any:
    """The checkpoint as an `openvino.Model`, from `folder` where it was converted before.

    The checkpoint's weights are checked either way, and so are the cached files: one that does not match its
    recorded hash is a miss. Raises CheckpointError, InferenceError.
    """
    read_weights(checkpoint)
    place = model_place(checkpoint, folder)
    model = _read(place)
    if model is None:
        from core.models.weights import load_network

        model = convert(load_network(checkpoint), checkpoint.card.preprocessing.size)
        _keep(model, place)
    return model


def calibrated_model(
    checkpoint: Checkpoint, folder: Path, calibration: Calibration, *, progress: Progress = silent
) -> Any:
    """The same in int8, its ranges fixed by `calibration`; from `folder` where it was made before.

    Raises CheckpointError, InferenceError, and Cancelled from `progress`.
    """
    read_weights(checkpoint)
    place = model_place(checkpoint, folder, calibration)
    model = _read(place)
    if model is None:
        from core.inference.quantisation import quantise

        exact = cached_model(checkpoint, folder)
        model = quantise(exact, checkpoint.card.preprocessing, calibration, progress=progress)
        _keep(model, place)
    return model


def model_place(checkpoint: Checkpoint, folder: Path, calibration: Calibration | None = None) -> Path:
    """The folder below `folder` of the checkpoint's model: the exact one, or the one calibrated so."""
    size, build = checkpoint.card.preprocessing.size, metadata.version("openvino")
    key = {"weights": checkpoint.hash, "size": size, "openvino": build}
    if calibration is not None:
        from core.inference.quantisation import RECIPE

        preprocessing = checkpoint.card.preprocessing.model_dump(mode="json")
        key |= {"calibration": calibration.key, "recipe": RECIPE, "preprocessing": preprocessing}
    return folder / cache_key(_SCHEMA, **key)


def _read(place: Path) -> Any | None:
    import openvino

    if not is_whole(place):
        return None
    try:
        return openvino.Core().read_model(place / "model.xml")
    except RuntimeError:  # written by another build: make it again
        return None


def convert(network: MultiTaskNetwork, size: int) -> Any:
    """An `openvino.Model` of `network`: (B, 3, size, size) -> the embedding, then the logits of each task.

    Raises InferenceError where a layer cannot be converted.
    """
    import openvino
    import torch

    example = torch.zeros(1, 3, size, size)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing warns of shapes that become constants, which they are
            model = openvino.convert_model(flat(network).eval(), example_input=example)
            model.reshape([-1, 3, size, size])
    except Exception as error:  # the converter raises its own kinds and RuntimeError
        raise InferenceError(
            f"{network.backbone_name} cannot be converted for OpenVINO",
            cause=str(error)[:500],
            fix="Use torch.",
        ) from error
    return model


def flat(network: MultiTaskNetwork) -> nn.Module:
    """`network` as converters want it: images -> (embedding, logits of the first task, of the second,
    ...)."""
    from torch import Tensor, nn

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            embedding, logits = self.network(x)
            return (embedding, *logits.values())

    return Flat()


def _keep(model: Any, place: Path) -> None:
    """Write the files in a folder of their own and move it into place whole; a full disk only costs time."""
    import openvino

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
    except OSError:
        return
    try:
        openvino.save_model(model, temporary / "model.xml", compress_to_fp16=False)
        atomic_write_json(temporary / "hashes.json", {name: sha256_file(temporary / name) for name in _FILES})
        shutil.rmtree(place, ignore_errors=True)
        temporary.rename(place)
    except (OSError, RuntimeError):
        pass
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_whole(place: Path) -> bool:
    """Whether every file of a converted model has the hash that was recorded when it was written."""
    try:
        hashes = json.loads((place / "hashes.json").read_text())
        return all(sha256_file(place / name) == hashes[name] for name in _FILES)
    except (OSError, ValueError, KeyError, TypeError):
        return False
