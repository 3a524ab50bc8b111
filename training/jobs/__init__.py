"""Training jobs: a queue, a dispatcher and a process per job; or the same on a cluster."""

from training.jobs.job import ACTIVE, RESUMABLE, Job, JobRunner, LogChunk, State
from training.jobs.local import LocalRunner
from training.jobs.progress import RunFolder, Status

__all__ = [
    "ACTIVE",
    "RESUMABLE",
    "Job",
    "JobRunner",
    "LocalRunner",
    "LogChunk",
    "RunFolder",
    "State",
    "Status",
]
