"""A way to run a checkpoint in a process of its own, so that its memory is its own and no pool of threads
disturbs another."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InferenceError, VitrineError
from core.inference import Calibration, Engine, open_engine
from core.inference.agreement import probe_images
from core.models import Checkpoint, read_checkpoint

MOST_IMAGES = 8
PATIENCE = 600.0
"""Seconds after which a process that does not answer is given up."""


@dataclass(frozen=True)
class Setting:
    """Which checkpoint, by its folder, in which way; what a process needs to open it."""

    checkpoint: Path
    cache: Path
    engine: str
    precision: str
    calibration: Calibration | None = None
    file: Path | None = None
    """The ONNX file, for the engine onnxruntime."""

    @property
    def name(self) -> str:
        """E.g. "torch f32"."""
        return f"{self.engine} {self.precision}"


@dataclass(frozen=True)
class Opened:
    """What an engine says of itself once it is ready."""

    engine: str
    precision: str
    device: str


@dataclass(frozen=True)
class Refused:
    """Why the engine does not run: an error's title, cause and fix."""

    title: str
    cause: str
    fix: str


class Runner:
    """The parent's end of one process; asks it to run batches and for its memory."""

    def __init__(self, connection: Connection, opened: Opened) -> None:
        self._connection = connection
        self.opened = opened

    def time(self, batch: int) -> tuple[float, float]:
        """Wall-clock seconds and processor seconds of one call on `batch` images. Raises InferenceError."""
        return self._ask(batch)  # type: ignore[no-any-return]

    def memory(self) -> tuple[float, float | None]:
        """Peak MB of the process, and on its accelerator where it has one. Raises InferenceError."""
        return self._ask("memory")  # type: ignore[no-any-return]

    def _ask(self, question: Any) -> Any:
        try:
            self._connection.send(question)
        except OSError as error:
            raise _died() from error
        return _answer(self._connection)


@contextmanager
def running(setting: Setting) -> Iterator[Runner]:
    """Start the process and open the engine in it; it ends with the block.

    Raises InferenceError where the checkpoint cannot be opened so, or the process dies.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, setting), daemon=True)
    process.start()
    there.close()
    try:
        yield Runner(here, _answer(here))
    finally:
        here.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(connection: Connection, setting: Setting) -> None:
    """The process's work: open, say so, answer until the other end is closed."""
    try:
        checkpoint = read_checkpoint(setting.checkpoint)
        engine = _opened(checkpoint, setting)
        connection.send(Opened(engine.name, engine.precision, engine.device))
        images = probe_images(checkpoint.card.preprocessing.size, MOST_IMAGES)
        while True:
            asked = connection.recv()
            connection.send(_memory(engine.device) if asked == "memory" else _timed(engine, images[:asked]))
    except VitrineError as error:  # an error with keyword arguments does not travel by itself
        connection.send(Refused(error.title, error.cause, error.fix))
    except (EOFError, OSError):
        return


def _opened(checkpoint: Checkpoint, setting: Setting) -> Engine:
    if setting.file is not None:
        from core.inference.onnx_engine import OnnxEngine

        return OnnxEngine(setting.file, checkpoint.taxonomy.names)
    return open_engine(
        checkpoint,
        setting.engine,
        setting.precision,
        cache=setting.cache,
        calibration=setting.calibration,
    )


def _timed(engine: Engine, batch: npt.NDArray[np.float32]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    engine.run(batch)
    return time.perf_counter() - wall, time.process_time() - processor


def _memory(device: str) -> tuple[float, float | None]:
    peak = 0.0
    try:
        text = Path("/proc/self/status").read_text()
        peak = next(float(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")) / 1e3
    except (OSError, StopIteration, ValueError):  # not Linux: the present size is the best there is
        import psutil

        peak = psutil.Process().memory_info().rss / 1e6
    if device != "cuda":
        return peak, None
    import torch

    return peak, torch.cuda.max_memory_allocated() / 1e6


def _answer(connection: Connection) -> Any:
    try:
        found = connection.recv() if connection.poll(PATIENCE) else None
    except (EOFError, OSError) as error:
        raise _died() from error
    if isinstance(found, Refused):
        raise InferenceError(found.title, cause=found.cause, fix=found.fix)
    if found is None:
        raise _died()
    return found


def _died() -> InferenceError:
    return InferenceError(
        "The process that measured has ended or does not answer",
        cause="Most likely the machine ran out of memory.",
        fix="Free some memory and measure again.",
    )
