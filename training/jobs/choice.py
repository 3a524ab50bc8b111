"""Which runner a person asked for."""

from __future__ import annotations

from core.settings import Settings
from training.jobs.job import JobRunner
from training.jobs.local import LocalRunner


def runner_called(name: str, settings: Settings) -> JobRunner:
    """ "local" or "ray". Raises JobError where Ray is not installed or has no address."""
    if name == "local":
        return LocalRunner.at(settings)
    from training.jobs.ray import RayRunner

    return RayRunner.at(settings)
