"""Measure a checkpoint on this machine: every way that it can be run, taking turns."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.data.dataset import Dataset
from core.errors import InferenceError
from core.inference import Calibration
from core.inference.openvino_model import is_whole, model_place
from core.measure.flops import network_flops
from core.measure.measurement import Latency, Measurement, Way
from core.measure.runner import Runner, Setting, running
from core.models import facts, load_network
from core.models.checkpoint import WEIGHTS
from core.progress import Progress, silent

if TYPE_CHECKING:
    from core.models import Checkpoint

BATCHES = (1, 8)
ROUNDS = 40
WARM_UP = 3


def measure(
    dataset: Dataset,
    checkpoint: Checkpoint,
    *,
    cache: Path,
    int8: bool = False,
    rounds: int = ROUNDS,
    progress: Progress = silent,
) -> Measurement:
    """What `checkpoint` costs here. int8 is measured where it was exported with `dataset`, or where `int8`
    asks for it to be made.

    Every way runs in a process of its own and the ways take turns call by call, so that whatever else the
    machine does falls on all of them; their ratios hold where absolute figures do not. Raises
    CheckpointError, InferenceError where not one way runs, and Cancelled from `progress`.
    """
    before = _load()
    progress(0, 0, f"{checkpoint.name}: counting operations")
    network = load_network(checkpoint)
    size = checkpoint.card.preprocessing.size
    ways, refused = time_ways(
        checkpoint, settings(dataset, checkpoint, cache, int8=int8), rounds, progress=progress
    )
    if not ways:
        raise InferenceError(
            f"'{checkpoint.name}' cannot be run here",
            cause="; ".join(refused.values()),
            fix="Install requirements.txt.",
        )
    return Measurement(
        checkpoint_hash=checkpoint.hash,
        checkpoint_name=checkpoint.name,
        backbone=checkpoint.card.backbone,
        size=size,
        parameters=network.parameter_count,
        flops=network_flops(network, size),
        file_bytes=_bytes(checkpoint.path / WEIGHTS),
        hardware=f"{facts.hardware()}, {platform.system()}",
        versions=facts.versions(),
        created=facts.now(),
        load=(before, _load()),
        ways=ways,
        refused=refused,
    )


def settings(dataset: Dataset, checkpoint: Checkpoint, cache: Path, *, int8: bool) -> list[Setting]:
    """The ways to try."""
    common = (checkpoint.path.resolve(), cache.resolve())
    found = [
        Setting(*common, engine, precision)
        for engine in ("torch", "openvino")
        for precision in ("f32", "bf16")
    ]
    calibration = Calibration.of(dataset)
    if int8 or is_whole(model_place(checkpoint, cache / "openvino", calibration)):
        found.append(Setting(*common, "openvino", "int8", calibration))
    return found


def time_ways(
    checkpoint: Checkpoint, settings: Sequence[Setting], rounds: int = ROUNDS, *, progress: Progress = silent
) -> tuple[tuple[Way, ...], dict[str, str]]:
    """Time every setting that this machine has, taking turns; and why it lacks the others, by name.

    Raises CheckpointError, InferenceError where a process dies, and Cancelled from `progress`.
    """
    refused: dict[str, str] = {}
    with ExitStack() as stack:
        runners: dict[Setting, Runner] = {}
        for setting in settings:
            progress(0, 0, f"{checkpoint.name}: opening {setting.name}")
            try:
                runners[setting] = stack.enter_context(running(setting))
            except InferenceError as error:
                refused[setting.name] = f"{error.title}. {error.cause}".strip()
        timings = _take_turns(runners, rounds, checkpoint.name, progress) if runners else {}
        ways = [_way(checkpoint, setting, runner, timings[setting]) for setting, runner in runners.items()]
    return tuple(ways), refused


def _take_turns(
    runners: Mapping[Setting, Runner], rounds: int, name: str, progress: Progress
) -> dict[Setting, tuple[Latency, ...]]:
    """Every way and batch once a round; the first rounds warm up and do not count."""
    times: dict[tuple[Setting, int], list[tuple[float, float]]] = {
        (setting, batch): [] for setting in runners for batch in BATCHES
    }
    for done in range(WARM_UP + rounds):
        progress(done, WARM_UP + rounds, f"{name}: measuring")
        for (setting, batch), found in times.items():
            found.append(runners[setting].time(batch))
    progress(WARM_UP + rounds, WARM_UP + rounds, f"{name}: measured")
    return {
        setting: tuple(_latency(batch, times[setting, batch][WARM_UP:]) for batch in BATCHES)
        for setting in runners
    }


def _latency(batch: int, times: list[tuple[float, float]]) -> Latency:
    wall, processor = 1e3 * np.array(times).T
    p50, p95 = np.percentile(wall, (50, 95))
    return Latency(
        batch,
        round(float(p50), 3),
        round(float(p95), 3),
        round(float(np.median(processor)) / batch, 3),
        len(times),
    )


def _way(checkpoint: Checkpoint, setting: Setting, runner: Runner, latency: tuple[Latency, ...]) -> Way:
    memory, on_device = runner.memory()
    opened = runner.opened
    file = checkpoint.path / WEIGHTS
    if setting.file is not None:
        file = setting.file
    elif opened.engine == "openvino":
        file = model_place(checkpoint, setting.cache / "openvino", setting.calibration) / "model.bin"
    return Way(
        engine=opened.engine,
        precision=opened.precision,
        device=opened.device,
        file_bytes=_bytes(file),
        memory=round(memory, 1),
        device_memory=on_device if on_device is None else round(on_device, 1),
        latency=latency,
        calibration="" if setting.calibration is None else setting.calibration.key,
    )


def _load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def _bytes(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
