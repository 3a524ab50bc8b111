"""How long a step takes here and what it needs: measured on the real network with made-up pixels."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from core.data.dataset import Dataset
from core.files import atomic_write_json, cache_key
from core.models import facts
from core.models.network import MultiTaskNetwork
from core.models.preprocessing import backbone_preprocessing
from training.assembly import choose_device, choose_precision
from training.augment import Augmenter
from training.jobs.progress import RunFolder
from training.memory import memory_mb
from training.optimizer import make_optimizer
from training.spec import RunSpec
from training.student import Student

PROBE_BATCH = 8
"""Images in the probe; the time of a step is taken to grow with the batch."""
KEYS = ("frozen_s", "full_s", "forward_s", "augment_s", "decode_s", "memory_mb", "parameters")


@dataclass(frozen=True)
class Probe:
    """Seconds per image of a training step (backbone frozen or not), of a forward pass, of augmentation and
    of decoding; memory in MiB; and the network's parameters. On a CPU as if nothing else were running."""

    frozen_s: float
    full_s: float
    forward_s: float
    augment_s: float
    decode_s: float
    memory_mb: float
    parameters: int


def probe(spec: RunSpec, dataset: Dataset, cache: Path) -> Probe:
    """Measure, or read what was measured before for the same network, size, device and data set."""
    size = spec.recipe.image_size or backbone_preprocessing(spec.backbone).size
    device = choose_device(spec)
    key = cache_key(
        "probe-4",
        optimizer=spec.recipe.optimizer.method,
        backbone=spec.backbone,
        size=size,
        device=device,
        precision=choose_precision(spec.recipe.precision, device),
        threads=spec.threads,
        hardware=facts.hardware(),
        data=dataset.fingerprint,
        augmentation=spec.recipe.augmentation.model_dump(mode="json"),
    )
    path = cache / "probes" / f"{key}.json"
    known = RunFolder.read_json(path)
    if isinstance(known, dict) and set(known) == set(KEYS):
        return Probe(**known)
    found = _measure(spec, dataset, size, device)
    atomic_write_json(path, vars(found))
    return found


def _measure(spec: RunSpec, dataset: Dataset, size: int, device: str) -> Probe:
    torch.set_num_threads(spec.threads or os.cpu_count() or 1)
    student = Student(MultiTaskNetwork(spec.backbone, dataset.taxonomy)).to(device)
    student.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(spec.recipe.optimizer, student)
    pixels = torch.rand(PROBE_BATCH, 3, size, size, device=device).contiguous(
        memory_format=torch.channels_last
    )
    low = choose_precision(spec.recipe.precision, device)
    cast = torch.autocast(device, dtype=torch.bfloat16, enabled=low != "fp32")

    def step() -> None:
        optimizer.zero_grad()
        with cast:
            *_, logits = student(pixels)
        torch.stack([value.float().square().mean() for value in logits.values()]).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    def forward() -> None:
        with torch.no_grad(), cast:
            student(pixels)

    student.train()
    student.freeze_backbone(True)
    threads = torch.get_num_threads() if device == "cpu" else 0
    frozen = _seconds(step, threads=threads)
    student.freeze_backbone(False)
    full = _seconds(step, threads=threads)
    memory = memory_mb(torch.device(device))
    student.eval()
    images, decode = _decode(dataset)
    augment = Augmenter(spec.recipe.augmentation, size, backbone_preprocessing(spec.backbone))
    return Probe(
        frozen_s=frozen / PROBE_BATCH,
        full_s=full / PROBE_BATCH,
        forward_s=_seconds(forward, threads=threads) / PROBE_BATCH,
        augment_s=_seconds(lambda: augment(images, range(len(images))), threads=min(1, threads))
        / len(images),
        decode_s=decode,
        memory_mb=memory,
        parameters=sum(parameter.numel() for parameter in student.parameters()),
    )


def _decode(dataset: Dataset) -> tuple[list[torch.Tensor], float]:
    from training.images import ImageBank, for_training

    rows = [int(row) for row in range(0, len(dataset), max(1, len(dataset) // 6))][:6]
    bank = ImageBank([dataset.file(row) for row in range(len(dataset))], for_training(256, 0.8), budget=2**28)
    began = time.perf_counter()
    broken = bank.fill(rows)
    seconds = (time.perf_counter() - began) / len(rows)
    images = bank.batch([row for row in rows if row not in broken])
    return images or [torch.zeros(3, 256, 256, dtype=torch.uint8)], seconds


def _seconds(action: Callable[[], object], *, threads: int = 0) -> float:
    """The faster of two runs after a warm-up. On a CPU processor time counts, shared among the threads, so
    that neighbours on the machine do not lengthen the estimate that is kept."""
    action()
    times = []
    for _ in range(2):
        began, busy = time.perf_counter(), time.process_time()
        action()
        seconds, used = time.perf_counter() - began, time.process_time() - busy
        times.append(min(seconds, 1.1 * used / threads) if threads else seconds)
    return min(times)
