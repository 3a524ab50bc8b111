"""The same tiny run on one process and on two that talk by gloo; test_group.py runs it on its own.

Dropout is off: which units it drops is drawn per process. Everything is loaded once, the processes are forks.

    python tests/training_pair.py DATA WORK
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402

from core.settings import Settings  # noqa: E402
from tests.training_case import run_folder, tiny_spec  # noqa: E402
from training.assembly import assemble  # noqa: E402
from training.loop import Loop  # noqa: E402
from training.reporter import Reporter  # noqa: E402

BACKBONE = "deit_tiny_patch16_224"
"""A transformer: it has no batch statistics, which differ between halves of a batch."""
PHASES = [{"name": "all", "epochs": 2, "backbone_lr": 0.0001, "head_lr": 0.001}]


def work(settings: Settings, workers: int, rank: int, port: int) -> None:
    if workers > 1:
        group = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": workers, "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in group.items()}, MASTER_ADDR="127.0.0.1")
    name = f"of-{workers}"
    spec = tiny_spec(settings, name=name, phases=PHASES, precision="fp32")
    parts = assemble(spec.model_copy(update={"backbone": BACKBONE, "workers": workers}))
    for module in parts.bare.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    folder = run_folder(settings, name)
    Loop(parts, folder, Reporter(folder, spec.recipe, main=rank == 0)).run()


def main(data: Path, place: Path) -> None:
    settings = Settings((data,), place / "cache", (place / "checkpoints",))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    context = multiprocessing.get_context("fork")
    group = [context.Process(target=work, args=(settings, 1, 0, 0))]
    group += [context.Process(target=work, args=(settings, 2, rank, port)) for rank in range(2)]
    for process in group:
        process.start()
    for process in group:
        process.join()
    if any(process.exitcode for process in group):
        raise SystemExit("a process failed")
    print("RESULTS " + json.dumps([run_folder(settings, f"of-{n}").read_metrics() for n in (1, 2)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
