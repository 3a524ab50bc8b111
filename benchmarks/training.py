"""What the training loop costs: over a bare PyTorch loop, and over batches that are there already; and what
bf16 gains.

    python -m benchmarks.training [--data DIR] [--backbone NAME] [--steps 20]
    python -m benchmarks.training --precisions [--backbone NAME] [--size 224] [--batch 32]
    python -m benchmarks.training --dispatcher

Steps of the three kinds are taken in turn (bare, ours, ours on ready batches), so that whatever else the
machine does falls on all alike; medians of processor time are compared. `--precisions` does the same, by the
clock, with our steps in float32 and in what `auto` takes. `--dispatcher` measures what the dispatcher costs
while a job runs (without one it is gone).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch

from core.settings import Settings
from training.assembly import assemble
from training.jobs import LocalRunner
from training.jobs.dispatcher import IDLE_SECONDS, TICK_SECONDS, Dispatcher
from training.jobs.identity import ProcessIdentity
from training.jobs.progress import RunFolder
from training.jobs.queue import Queue
from training.launch import make_spec
from training.loop import Loop
from training.losses import Targets
from training.recipes import load_recipe
from training.reporter import Reporter
from training.sampling import Rows, epoch_batches
from training.spec import RunSpec


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/team13"))
    parser.add_argument("--backbone", default="mobilevit_xxs")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--precisions", action="store_true", help="compare float32 with `auto` instead")
    instead.add_argument("--dispatcher", action="store_true", help="measure the dispatcher instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if options.dispatcher:
            found = measure_dispatcher(Path(place))
        elif options.precisions:
            found = measure_precisions(options, Path(place))
        else:
            found = measure(options, Path(place))
        print(json.dumps(found, indent=1))


def measure_dispatcher(place: Path, looks: int = 400) -> dict[str, object]:
    """Processor seconds per minute of a dispatcher that looks after one running job."""
    runs = place / "runs"
    runner = LocalRunner(runs)
    spec = RunSpec(
        name="benchmark", data=str(place), backbone="mobilevit_xxs", recipe=load_recipe("quick"),
        checkpoints=str(place / "checkpoints"), cache=str(place),
    )  # fmt: skip
    queue = Queue(runs / "jobs.sqlite")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as job:
        with mock.patch("training.jobs.local.ensure_dispatcher"):
            run_id = runner.submit(spec).id
        queue.claim(run_id, "cpu")
        identity = ProcessIdentity.of(job.pid)
        assert identity is not None
        queue.set_process(run_id, identity)
        dispatcher = Dispatcher(runs)
        dispatcher.tick()
        began = time.process_time()
        for _ in range(looks):
            dispatcher.tick()
        per_look = (time.process_time() - began) / looks
        job.kill()
    return {
        "looks_per_minute": 60 / TICK_SECONDS,
        "processor_seconds_per_minute": per_look * 60 / TICK_SECONDS,
        "seconds_until_it_leaves_without_jobs": IDLE_SECONDS,
    }


def measure_precisions(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """Medians of seconds per step, by the clock, in float32 and in what `auto` takes here."""
    loops = {name: prepared_loop(options, place / name, name) for name in ("fp32", "auto")}
    rows = {name: first_batch(loop) for name, loop in loops.items()}
    times: dict[str, list[float]] = {name: [] for name in loops}
    for step in range(options.steps + 2):
        for name, loop in loops.items():
            began = time.perf_counter()
            take_step(loop, rows[name])
            if step >= 2:
                times[name].append(time.perf_counter() - began)
    ratios = [exact / auto for exact, auto in zip(times["fp32"], times["auto"], strict=True)]
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        **described(options),
        "auto_is": loops["auto"].parts.precision,
        "seconds_per_step": median,
        "images_per_second": {name: options.batch / seconds for name, seconds in median.items()},
        "throughput_over_fp32": statistics.median(ratios),
    }


def described(options: argparse.Namespace) -> dict[str, object]:
    """What was measured, and on how many threads."""
    return {
        "backbone": options.backbone,
        "size": options.size,
        "batch": options.batch,
        "steps": options.steps,
        "threads": torch.get_num_threads(),
    }


def prepared_loop(options: argparse.Namespace, folder: Path, precision: str) -> Loop:
    """A loop before its first step, with its images decoded."""
    settings = Settings((options.data.resolve(),), folder / "cache", (folder / "checkpoints",))
    spec = make_spec(
        settings,
        name="benchmark",
        data=options.data.resolve(),
        backbone=options.backbone,
        recipe="balanced",
        overrides={
            "image_size": options.size,
            "batch_size": options.batch,
            "pretraining": "none",
            "precision": precision,
        },
    )
    run = RunFolder(folder)
    run.path.mkdir(exist_ok=True)
    loop = Loop(assemble(spec), run, Reporter(run, spec.recipe))
    loop._enter_phase()
    loop.parts.student.train()
    return loop


def first_batch(loop: Loop) -> Rows:
    """Rows of one batch."""
    data = loop.parts.data
    size = loop.parts.recipe.batch_size
    return epoch_batches(data.train, data.primary[data.train], "shuffle", size, 0, 0)[0]


def take_step(loop: Loop, rows: Rows) -> None:
    """A step, and what our loop does beside it."""
    loop._step(rows, 0)
    loop.reporter.step(loop.at, loop.steps, 1.0)
    loop._check_stop()


def measure(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """Medians of processor seconds per step, and what follows from them."""
    loop = prepared_loop(options, place / "run", "auto")
    parts = loop.parts
    rows = first_batch(loop)
    ready = loop._batch(rows, 0)
    optimizer = torch.optim.AdamW(parts.bare.parameters(), lr=1e-5)

    def bare() -> None:
        names = [int(row) for row in rows]
        inputs = parts.augment(parts.bank.batch(names), range(len(names)))
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        with parts.accelerator.autocast():
            _, logits = parts.network(inputs)
        losses = [
            torch.nn.functional.cross_entropy(
                logits[task].float(), codes[torch.from_numpy(rows)], ignore_index=-1
            )
            for task, codes in parts.data.labels.items()
        ]
        torch.stack(losses).sum().backward()
        optimizer.step()

    def ours() -> None:
        take_step(loop, rows)

    prepared: Callable[..., tuple[torch.Tensor, Targets]] = lambda *_: ready  # noqa: E731

    def fed() -> None:
        honest = loop._batch
        loop._batch = prepared  # type: ignore[method-assign]
        ours()
        loop._batch = honest  # type: ignore[method-assign]

    times: dict[str, list[float]] = {"bare": [], "ours": [], "fed": []}
    for step in range(options.steps + 2):
        for name, action in (("bare", bare), ("ours", ours), ("fed", fed)):
            began = time.process_time()
            action()
            if step >= 2:
                times[name].append(time.process_time() - began)
    median = {name: statistics.median(values) for name, values in times.items()}
    ratios = [ours / bare for ours, bare in zip(times["ours"], times["bare"], strict=True)]
    return {
        **described(options),
        "precision": parts.precision,
        "processor_seconds_per_step": median,
        "overhead_over_bare_loop": statistics.median(ratios) - 1,
        "throughput_of_ready_batches": median["fed"] / median["ours"],
    }


if __name__ == "__main__":
    main()
