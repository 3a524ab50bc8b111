"""What runs inside the worker process: decode uploads, predict, explain.

`python -m core.explain.service FD SECONDS`: the pipe's file descriptor, and when to end for want of work.
"""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InferenceError, VitrineError
from core.explain.worker import receive, send

Operation = Callable[[dict[str, Any], Sequence[bytes]], tuple[dict[str, Any], list[bytes]]]

PREVIEW = 640
"""Longest side in pixels of the picture sent back for an upload."""

_networks: OrderedDict[str, Any] = OrderedDict()
NETWORKS = 3
"""Networks kept in memory for Grad-CAM; the least recently used one goes first."""


def preview(values: dict[str, Any], parts: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Decode one upload from the allow-listed formats and re-encode it as a JPEG no larger than `PREVIEW`."""
    from core.data.images import decode_rgb

    image = decode_rgb(parts[0])
    width, height = image.size
    image.thumbnail((PREVIEW, PREVIEW))
    return {"width": width, "height": height}, [_jpeg(image)]


def predict(values: dict[str, Any], parts: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Probabilities of every head for one image, and its embedding (D,) float32 as the only part.

    By torch: converting a checkpoint for a faster engine takes longer than any number of uploads would save.
    """
    from core.inference import predict_one

    start = time.perf_counter()
    probabilities, embedding = predict_one(_checkpoint(values), parts[0], engine="torch")
    heads = {task: np.asarray(p, dtype=np.float64).ravel().tolist() for task, p in probabilities.items()}
    spent = time.perf_counter() - start
    return {"heads": heads, "seconds": spent}, [np.asarray(embedding, dtype=np.float32).ravel().tobytes()]


def explain(values: dict[str, Any], parts: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Grad-CAM of one head and label: the network's view and the overlay, as two JPEG parts."""
    from PIL import Image

    from core.data.images import decode_rgb
    from core.explain.gradcam import gradcam
    from core.inference import preprocess

    checkpoint = _checkpoint(values)
    recipe = checkpoint.card.preprocessing
    pixels = preprocess(decode_rgb(parts[0]), recipe)
    view = _view(pixels, recipe)
    heat = gradcam(_network(checkpoint), pixels, view, task=values["task"], label=int(values["label"]))
    jpegs = [_jpeg(Image.fromarray(picture)) for picture in (heat.view, heat.overlay())]
    return {"empty": heat.empty}, jpegs


def warm(values: dict[str, Any], parts: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Import the libraries and load one checkpoint, so that the next request for it is quick."""
    from PIL import Image

    grey = Image.new("RGB", (64, 64), (128, 128, 128))
    return predict(values, [_jpeg(grey)])


OPERATIONS: dict[str, Operation] = {
    "preview": preview,
    "predict": predict,
    "explain": explain,
    "warm": warm,
}


def serve(pipe: Connection[Any, Any], idle: float) -> None:
    """Answer requests until the other side closes the pipe or `idle` seconds pass without one."""
    while pipe.poll(idle):
        try:
            header, parts = receive(pipe)
        except EOFError:
            return
        try:
            answer, blobs = OPERATIONS[header["operation"]](header, parts)
        except Exception as error:  # every failure goes back as a message: the worker stays alive
            answer, blobs = {"error": _described(error)}, []
        send(pipe, answer, blobs)


def _described(error: Exception) -> dict[str, str]:
    if isinstance(error, VitrineError):
        return {
            "kind": type(error).__name__,
            "title": error.title,
            "cause": error.cause,
            "fix": error.fix,
        }
    traceback.print_exc()  # for the server's log; the page gets the short form
    return {
        "kind": InferenceError.__name__,
        "title": "The model could not be run on this image",
        "cause": f"{type(error).__name__}: {error}"[:300],
        "fix": "Try another image or checkpoint; the server's log has the details.",
    }


def _checkpoint(values: dict[str, Any]) -> Any:
    from core.models import read_checkpoint

    return read_checkpoint(Path(values["checkpoint"]))


def _network(checkpoint: Any) -> Any:
    from core.models import load_network

    if checkpoint.hash not in _networks:
        _networks[checkpoint.hash] = load_network(checkpoint).eval()
        while len(_networks) > NETWORKS:
            _networks.popitem(last=False)
    _networks.move_to_end(checkpoint.hash)
    return _networks[checkpoint.hash]


def _view(pixels: np.ndarray, preprocessing: Any) -> np.ndarray:
    """What the network saw, (H, W, 3) uint8: the normalisation undone."""
    mean = np.asarray(preprocessing.mean, dtype=np.float32)[:, None, None]
    std = np.asarray(preprocessing.std, dtype=np.float32)[:, None, None]
    seen: np.ndarray = np.clip((pixels * std + mean) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    return seen.transpose(1, 2, 0)


def _jpeg(image: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=90)
    return stream.getvalue()


def main(argv: Sequence[str]) -> int:
    """Serve the pipe whose file descriptor is the first argument."""
    os.nice(5)  # the pages come first
    serve(Connection(int(argv[0])), float(argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
