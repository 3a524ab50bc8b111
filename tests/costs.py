"""Made-up measurements of the synthetic checkpoints, for tests of pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.measure import Latency, Measurement, Way
from core.measure.shelf import keep
from core.models import Checkpoint

HARDWARE = "a made-up processor, 2 cores"


def way(engine: str, precision: str, ms: float, file_bytes: int = 4_000_000) -> Way:
    """A way whose batches of 8 take 6 times one image's `ms`."""
    latency = (Latency(1, ms, 1.5 * ms, 2 * ms, 40), Latency(8, 6 * ms, 7 * ms, 1.2 * ms, 40))
    return Way(engine, precision, "cpu", file_bytes, 250.0 + ms, None, latency)


def measurement(checkpoint: Checkpoint, ms: float) -> Measurement:
    """A measurement in which OpenVINO is twice as fast as torch, which takes `ms`."""
    return Measurement(
        checkpoint_hash=checkpoint.hash,
        checkpoint_name=checkpoint.name,
        backbone=checkpoint.card.backbone,
        size=checkpoint.card.preprocessing.size,
        parameters=checkpoint.card.parameters,
        flops=1_250_000_000,
        file_bytes=5_000_000,
        hardware=HARDWARE,
        versions={},
        created="2026-11-24T12:00:00+00:00",
        load=(0.1, 0.2),
        ways=(way("torch", "f32", ms), way("openvino", "f32", ms / 2)),
        refused={"openvino bf16": "This processor has no bf16."},
    )


@contextmanager
def measured(checkpoints: list[Checkpoint], cache: Path) -> Iterator[list[Measurement]]:
    """Keep a measurement of each below `cache` for the time of the block."""
    made = [measurement(checkpoint, 20.0 + 10 * i) for i, checkpoint in enumerate(checkpoints)]
    files = [keep(one, cache) for one in made]
    try:
        yield made
    finally:
        for file in files:
            file.unlink(missing_ok=True)
