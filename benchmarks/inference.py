"""How fast engines run, end to end, against one image at a time: `python -m benchmarks.inference --data DIR`.

Every way starts from image files and ends with embeddings and logits in memory. "naive" is the report's own
way: Pillow, torchvision's transforms, eager float32, one image at a time, torch's own number of threads. The
ways take turns within each round, so that a busy machine disturbs all of them; ratios are medians over the
rounds. int8 is calibrated with training images. Of each backbone a checkpoint that ships is taken, one made
for the data set first; where there is none `training.quick` makes one in the folder `--checkpoints`. About
five minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.section import put_section
from core.data import Dataset, open_dataset
from core.errors import CheckpointError, InferenceError
from core.files import atomic_write_json
from core.inference import Calibration, Engine, Outputs, open_engine, predict_images
from core.inference.agreement import cosines
from core.models import Checkpoint, facts, list_checkpoints, load_network, read_checkpoint
from core.settings import HOME, Settings

BACKBONES = ("deit_tiny_patch16_224", "mobilevit_xxs", "tf_efficientnet_lite0")
TARGETS = {"deit_tiny_patch16_224": 4.0, "mobilevit_xxs": 4.0, "tf_efficientnet_lite0": 7.0}
GFLOP = {"deit_tiny_patch16_224": 2.5, "mobilevit_xxs": 0.6, "tf_efficientnet_lite0": 0.77}
"""Floating point operations of one image, in 10^9 (two per multiplication with addition)."""
WAYS = (
    ("torch", "f32"),
    ("torch", "bf16"),
    ("openvino", "f32"),
    ("openvino", "bf16"),
    ("openvino", "int8"),
)
RESULTS = HOME / "benchmarks" / "results" / "inference.json"
PAGE = HOME / "docs" / "benchmarks.md"

Run = Callable[[list[Path]], tuple[Outputs, float]]
"""Outputs of image files, and the processor seconds that they took in every thread."""


@dataclass(frozen=True)
class Timing:
    """One way's images per second and processor ms per image, one per round, and what it computed."""

    rates: tuple[float, ...]
    processor: tuple[float, ...]
    outputs: Outputs


@contextmanager
def naive_process(checkpoint: Checkpoint) -> Iterator[Run]:
    """The naive way in a process of its own, so that nothing Vitrine sets for torch speeds it up."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield lambda files: pool.apply(_naive_run, (checkpoint.path, files))


@cache
def _naive(folder: Path) -> Run:
    return naive(read_checkpoint(folder))


def _naive_run(folder: Path, files: list[Path]) -> tuple[Outputs, float]:
    return _naive(folder)(files)


def naive(checkpoint: Checkpoint) -> Run:
    """One image at a time: Pillow, torchvision's transforms, eager float32."""
    import torch
    from PIL import Image
    from torchvision import transforms

    network, wanted = load_network(checkpoint), checkpoint.card.preprocessing
    side = int(wanted.size / wanted.crop_pct)
    resized = (side, side) if wanted.crop_mode == "squash" else side
    transform = transforms.Compose(
        [
            transforms.Resize(resized, transforms.InterpolationMode(wanted.interpolation)),
            transforms.CenterCrop(wanted.size),
            transforms.ToTensor(),
            transforms.Normalize(wanted.mean, wanted.std),
        ]
    )

    def run(files: list[Path]) -> tuple[Outputs, float]:
        began, found = time.process_time(), []
        for file in files:
            with torch.no_grad(), Image.open(file) as image:
                embedding, logits = network(transform(image.convert("RGB"))[None])
            found.append(Outputs(embedding.numpy(), {task: value.numpy() for task, value in logits.items()}))
        return joined(found), time.process_time() - began

    return run


def batched(checkpoint: Checkpoint, engine: Engine) -> Run:
    """Vitrine's way: `predict_images` on `engine`."""

    def run(files: list[Path]) -> tuple[Outputs, float]:
        began = time.process_time()
        batches = predict_images(engine, checkpoint.card.preprocessing, files)
        outputs = joined([batch.outputs for batch in batches])
        return outputs, time.process_time() - began

    return run


def joined(parts: list[Outputs]) -> Outputs:
    """Several outputs as one."""
    logits = {task: np.concatenate([part.logits[task] for part in parts]) for task in parts[0].logits}
    return Outputs(np.concatenate([part.embeddings for part in parts]), logits)


def measure(ways: dict[str, Run], files: list[Path], rounds: int) -> dict[str, Timing]:
    """Every way over `files`, taking turns, `rounds` times after a warm-up."""
    outputs: dict[str, Outputs] = {}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run(files[:16])
    for _ in range(rounds):
        for name, run in ways.items():
            began = time.perf_counter()
            outputs[name], seconds = run(files)
            rates[name].append(len(files) / (time.perf_counter() - began))
            processor[name].append(1000 * seconds / len(files))
    return {name: Timing(tuple(rates[name]), tuple(processor[name]), outputs[name]) for name in ways}


def compare(timings: dict[str, Timing]) -> dict[str, Any]:
    """Rates, ratios over "naive" within each round, and agreement with it."""
    base = timings["naive"]
    found: dict[str, Any] = {}
    for name, timing in timings.items():
        ratios = [rate / slow for rate, slow in zip(timing.rates, base.rates, strict=True)]
        found[name] = {
            "images_per_s": round(statistics.median(timing.rates), 1),
            "ratio": round(statistics.median(ratios), 2),
            "processor_ms_per_image": round(statistics.median(timing.processor), 1),
            "ratios": [round(ratio, 2) for ratio in ratios],
            "min_cosine": float(cosines(timing.outputs.embeddings, base.outputs.embeddings).min()),
            "same_top1": {
                task: same_top1(timing.outputs, base.outputs, task) for task in base.outputs.logits
            },
        }
    return found


def same_top1(one: Outputs, other: Outputs, task: str) -> float:
    """Share of images with the same most likely label."""
    return float((one.logits[task].argmax(1) == other.logits[task].argmax(1)).mean())


def engines(
    checkpoint: Checkpoint, cache: Path, calibration: Calibration
) -> tuple[dict[str, Run], dict[str, Any]]:
    """Every engine that this machine has, how long it took to open, and why others are missing."""
    runs: dict[str, Run] = {}
    opened: dict[str, Any] = {}
    for name, precision in WAYS:
        began = time.perf_counter()
        try:
            engine = open_engine(checkpoint, name, precision, cache=cache, calibration=calibration)
        except InferenceError as error:
            opened[f"{name} {precision}"] = error.title
            continue
        engine.run(np.zeros((8, 3, *[checkpoint.card.preprocessing.size] * 2), np.float32))
        opened[f"{name} {precision}"] = round(time.perf_counter() - began, 2)
        runs[f"{name} {precision}"] = batched(checkpoint, engine)
    return runs, opened


def memory_growth(checkpoint: Checkpoint, cache: Path, files: list[Path]) -> dict[str, int]:
    """Peak memory in MB of a fresh process after 256 and after 1,024 images: equal where it is bounded."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peaks, (checkpoint.path, cache, files))


def _peaks(folder: Path, cache: Path, files: list[Path]) -> dict[str, int]:
    checkpoint = read_checkpoint(folder)
    engine, found = open_engine(checkpoint, "openvino", cache=cache), {}
    for n in (256, 1024):
        many = islice(chain.from_iterable(repeat(files)), n)
        for _ in predict_images(engine, checkpoint.card.preprocessing, many):
            pass
        found[str(n)] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def gemm_gflops(size: int = 1536, repeats: int = 5) -> float:
    """Float32 matrix product in 10^9 operations per second on all cores, the best of some: a ceiling."""
    import torch

    a = torch.rand(size, size)
    best = 0.0
    for _ in range(repeats):
        began = time.perf_counter()
        torch.mm(a, a)
        best = max(best, 2 * size**3 / (time.perf_counter() - began) / 1e9)
    return best


def found(dataset: Dataset, folder: Path, cache: Path, backbone: str) -> Checkpoint:
    """A checkpoint of `backbone`: one that ships, those of `dataset` first, or one with heads fitted now."""
    from training.quick import quick

    ships = [one for one in list_checkpoints(Settings.from_environment())[0] if one.card.backbone == backbone]
    if ships:
        return min(ships, key=lambda one: one.card.data.fingerprint != dataset.fingerprint)
    try:
        return read_checkpoint(folder / backbone)
    except CheckpointError:
        return quick(dataset, backbone, folder, cache=cache, backbone=backbone).checkpoint


def pick(dataset: Dataset, n: int) -> list[Path]:
    """`n` files spread evenly over the data set."""
    rows: npt.NDArray[np.int64] = np.linspace(0, len(dataset) - 1, n).astype(np.int64)
    return [dataset.file(int(row)) for row in rows]


def as_markdown(result: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    lines = [
        f"{result['hardware']}; {result['images']} images of {result['data']}, {result['rounds']} rounds,",
        f"load average {result['load'][0]:.1f} at the start and {result['load'][1]:.1f} at the end;",
        f"float32 matrix product {result['gemm_gflops']:.0f} GFLOP/s.",
        "",
        "| backbone | way | images/s | over naive | target | CPU ms/image | least cosine | top-1 | all |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for backbone, found in result["backbones"].items():
        for way, row in found["ways"].items():
            same = list(row["same_top1"].values())
            cells = (
                backbone,
                way,
                f"{row['images_per_s']:.0f}",
                f"{row['ratio']:.1f} x",
                f"{TARGETS[backbone]:.0f} x",
                f"{row['processor_ms_per_image']:.1f}",
                f"{row['min_cosine']:.6f}",
                f"{same[0]:.2%}",
                f"{np.mean(same):.2%}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| backbone | checkpoint | pretraining | opened in s, or why not | f32 ceiling, images/s |",
        "|---|---|---|---|---|",
    ]
    for backbone, found in result["backbones"].items():
        opened = ", ".join(f"{way}: {value}" for way, value in found["opened"].items())
        ceiling = result["gemm_gflops"] / GFLOP[backbone]
        cells = (backbone, found["checkpoint"], found["pretraining"], opened, f"{ceiling:.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    peak = ", ".join(f"{n} images: {mb:,} MB" for n, mb in result["memory"].items())
    return "\n".join([*lines, "", f"Peak memory of the process after {peak}."])


def main() -> None:
    """Measure, write the JSON and the section of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--checkpoints", type=Path, default=HOME / "cache" / "benchmarks", metavar="DIR")
    parser.add_argument("--cache", type=Path, default=HOME / "cache", metavar="DIR")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE")
    args = parser.parse_args()
    dataset = open_dataset(args.data, cache=args.cache)
    files, load = pick(dataset, args.images), [os.getloadavg()[0]]
    calibration = Calibration.of(dataset)
    backbones: dict[str, Any] = {}
    for backbone in BACKBONES:
        checkpoint = found(dataset, args.checkpoints, args.cache, backbone)
        runs, opened = engines(checkpoint, args.cache, calibration)
        with naive_process(checkpoint) as slow:
            ways = compare(measure({"naive": slow, **runs}, files, args.rounds))
        backbones[backbone] = {
            "ways": ways,
            "opened": opened,
            "checkpoint": checkpoint.name,
            "pretraining": checkpoint.card.pretraining,
        }
        print(
            backbone,
            json.dumps({way: (row["images_per_s"], row["ratio"]) for way, row in ways.items()}),
            flush=True,
        )
    result = {
        "hardware": facts.hardware(),
        "versions": facts.versions(),
        "created": facts.now(),
        "data": dataset.name,
        "images": len(files),
        "rounds": args.rounds,
        "gemm_gflops": round(gemm_gflops(), 1),
        "memory": memory_growth(checkpoint, args.cache, files),
        "backbones": backbones,
        "load": [*load, os.getloadavg()[0]],
    }
    atomic_write_json(args.out, result)
    put_section(args.page, "inference", as_markdown(result))


if __name__ == "__main__":
    main()
