"""What the commands of `python -m training` share: the arguments of a run, and how jobs are printed."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from core.cli.convert import add_weight_bits
from core.models.backbones import BACKBONES
from core.settings import Settings
from training.durations import duration
from training.jobs import Job, JobRunner
from training.launch import make_spec, read_overrides
from training.recipes import recipe_names
from training.spec import RunSpec


def add_run(parser: argparse.ArgumentParser) -> None:
    """The arguments that make a run."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: the settings')"
    )
    parser.add_argument("--name", required=True, help="name of the checkpoint that comes out")
    parser.add_argument("--backbone", default="deit_tiny_patch16_224", choices=sorted(BACKBONES))
    parser.add_argument("--recipe", default="two_phase", help=f"{', '.join(recipe_names())}, or a .yaml file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change a field of the recipe"
    )
    parser.add_argument("--parent", metavar="CHECKPOINT", help="compare the result with this checkpoint")
    parser.add_argument("--start-from-parent", action="store_true", help="start from the parent's weights")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: one per core)")
    parser.add_argument("--workers", type=int, default=1, help="processes that share each batch")
    add_weight_bits(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of checkpoints (default: the settings')"
    )


def spec_of(args: argparse.Namespace, settings: Settings) -> RunSpec:
    """The run that the arguments describe. Raises RecipeError."""
    return make_spec(
        settings,
        name=args.name,
        data=(args.data or settings.data[0]).resolve(),
        backbone=args.backbone,
        recipe=args.recipe,
        overrides=read_overrides(args.set),
        **({"checkpoints": str(args.out.resolve())} if args.out else {}),
        parent=args.parent,
        start_from_parent=args.start_from_parent,
        device=args.device,
        threads=args.threads,
        workers=args.workers,
        weight_bits=args.weight_bits,
    )


def add_job(parser: argparse.ArgumentParser) -> None:
    """Which job, and how it is printed."""
    parser.add_argument("job", help="the job's id (`python -m training jobs` lists them)")
    add_output(parser)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where the jobs are, and how they are printed."""
    parser.add_argument("--runner", default="local", choices=("local", "ray"), help="where the jobs run")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_ray_workers(parser: argparse.ArgumentParser) -> None:
    """With what, and on how many workers. Engine and precision are named, never guessed: the machines of a
    cluster differ, and one table holds one variant."""
    parser.add_argument("--engine", default="torch", choices=("torch", "openvino"))
    parser.add_argument("--precision", default="f32", choices=("f32", "bf16"))
    parser.add_argument("--workers", type=_some, default=1, help="copies of the network on the cluster")
    parser.add_argument("--threads", type=_some, default=1, help="CPUs that each of them takes")
    parser.add_argument("--gpu", action="store_true", help="each of them takes a GPU")


def open_runner(args: argparse.Namespace, settings: Settings) -> JobRunner:
    """The runner that the arguments name. Raises JobError where it cannot be used."""
    from training.jobs.choice import runner_called

    return runner_called(args.runner, settings)


def show_job(job: Job, as_json: bool) -> None:
    """Print one job."""
    print(json.dumps(job_json(job), indent=1) if as_json else job_line(job))


def job_json(job: Job) -> dict[str, Any]:
    """A job as JSON values: keys id, number, name, state, reason, attempt, times, status."""
    return {
        "id": job.id,
        "number": job.number,
        "name": job.spec.name,
        "state": str(job.state),
        "reason": job.reason,
        "recipe": job.spec.recipe.name,
        "backbone": job.spec.backbone,
        "attempt": job.attempt,
        "submitted": job.submitted,
        "started": job.started,
        "ended": job.ended,
        "status": job.status.model_dump(mode="json") if job.status else None,
    }


def job_line(job: Job) -> str:
    """A job in one line."""
    status = job.status
    told = f"{job.id:44} {job.state:11} {job.spec.recipe.name:10} {job.spec.backbone:22}"
    if job.active and status is not None:
        left = f", {duration(status.eta_s)} left" if status.eta_s is not None else ""
        return f"{told} {status.progress:4.0%} {status.stage}{left}"
    return f"{told} {job.reason}".rstrip()


def _some(text: str) -> int:
    """A number of workers or threads, 1 .. 1024."""
    value = int(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is not in 1 .. 1024")
    return value
