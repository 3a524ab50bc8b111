"""One run on several workers: Ray Train starts them, each runs the same loop on its share of every batch.

python -m training.ray_run --spec RUN/spec.json      (as a Ray job)
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from training.jobs.progress import RunFolder
from training.spec import read_spec


def worker(settings: dict[str, Any]) -> None:
    """What each worker does. The loop refuses to start where the group is not as large as the spec says."""
    from training.run import train

    folder = RunFolder(Path(settings["folder"]))
    stop = folder.path / "stop"
    state = train(read_spec(folder.spec), folder, attempt=settings["attempt"], stop=stop.exists)
    if state == "failed":
        raise RuntimeError("the run failed; its status says why")


def main(arguments: list[str] | None = None) -> int:
    """Start the workers and wait for them."""
    parser = argparse.ArgumentParser(prog="python -m training.ray_run", description=__doc__)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--attempt", type=int, default=0)
    options = parser.parse_args(arguments)
    folder = RunFolder(options.spec.resolve().parent)
    spec = read_spec(options.spec)
    signal.signal(signal.SIGTERM, lambda *_: (folder.path / "stop").touch())
    import ray
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    ray.init(ignore_reinit_error=True)
    gpu = spec.device in {"auto", "cuda"} and ray.cluster_resources().get("GPU", 0) >= spec.workers
    trainer = TorchTrainer(
        worker,
        train_loop_config={"folder": str(folder.path), "attempt": options.attempt},
        scaling_config=ScalingConfig(num_workers=spec.workers, use_gpu=gpu),
        run_config=RunConfig(name=folder.path.name, storage_path=str(folder.path / "ray")),
    )
    trainer.fit()
    status = folder.read_status()
    return 0 if status is not None and status.state in {"finished", "cancelled"} else 1


if __name__ == "__main__":
    sys.exit(main())
