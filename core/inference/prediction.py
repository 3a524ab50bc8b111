"""Batched prediction: images are decoded ahead in threads while the engine works; memory stays bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.images import read_bytes
from core.errors import ImageError
from core.inference.engine import Engine, Outputs
from core.inference.preprocessing import preprocess
from core.models.card import Preprocessing
from core.progress import Progress, silent

Decoded = npt.NDArray[np.float32] | ImageError

BATCH_SIZE = 32
DECODERS = 2
"""Threads that decode. More do not help: the engine wants the same cores."""


@dataclass(frozen=True)
class Batch:
    """Results for a run of consecutive images.

    `positions` (B,) int64 says which of the images, counted from 0, each row of `outputs` belongs to;
    `failed` are the positions of broken images, with the reason.
    """

    positions: npt.NDArray[np.int64]
    outputs: Outputs
    failed: tuple[tuple[int, ImageError], ...] = ()


def predict_images(
    engine: Engine,
    preprocessing: Preprocessing,
    images: Iterable[bytes | Path],
    *,
    batch_size: int = BATCH_SIZE,
    progress: Progress = silent,
) -> Iterator[Batch]:
    """Run `engine` over image files or their bytes, in order. A broken image is reported, never raised.

    At most three batches of inputs exist at a time, however many images there are. `progress` may raise
    Cancelled: what was yielded until then stays good. Raises InferenceError.
    """
    total = len(images) if isinstance(images, Sized) else 0
    done = 0
    for number, group in _decoded_batches(images, preprocessing, batch_size):
        progress(done, total, "images")
        yield _run(engine, number, group)
        done = number + len(group)
    progress(done, total or done, "images")


def _run(engine: Engine, first: int, group: list[Decoded]) -> Batch:
    good = [position for position, item in enumerate(group) if not isinstance(item, ImageError)]
    failed = tuple((first + i, item) for i, item in enumerate(group) if isinstance(item, ImageError))
    inputs = [item for item in group if not isinstance(item, ImageError)]
    outputs = engine.run(np.stack(inputs)) if inputs else Outputs(np.empty((0, 0), np.float32), {})
    return Batch(np.asarray(good, np.int64) + first, outputs, failed)


def _decoded_batches(
    images: Iterable[bytes | Path], preprocessing: Preprocessing, batch_size: int
) -> Iterator[tuple[int, list[Decoded]]]:
    """Batches of inputs in order, with the position of the first image, two batches ahead of the reader."""

    def read(source: bytes | Path) -> Decoded:
        return _decode(source, preprocessing)

    source = iter(images)
    with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
        waiting: deque[list[Future[Decoded]]] = deque()

        def refill() -> None:
            while len(waiting) < 2 and (group := list(islice(source, batch_size))):
                waiting.append([pool.submit(read, item) for item in group])

        position = 0
        try:
            refill()
            while waiting:
                group = [future.result() for future in waiting.popleft()]
                refill()
                yield position, group
                position += len(group)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _decode(source: bytes | Path, preprocessing: Preprocessing) -> Decoded:
    try:
        return preprocess(source if isinstance(source, bytes) else read_bytes(source), preprocessing)
    except ImageError as error:
        return error
