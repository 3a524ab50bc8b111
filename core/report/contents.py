"""What a report says: every figure computed once, with its interval, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.data import Dataset
from core.errors import SelectionError
from core.evaluation import ClassReport, Outcomes, class_report, confusion, mistakes, outcomes
from core.evaluation.calibration import Calibration, calibration
from core.evaluation.comparison import Comparison, Standing, compare, leaderboard
from core.evaluation.outcomes import Mask
from core.figures.matrix import MatrixFigure, matrix_figure
from core.findings import Finding, findings
from core.models import Checkpoint
from core.models.facts import now, versions
from core.progress import Progress, silent
from core.report.pictures import Mistake, Thumbnails, worst_mistakes
from core.store import Predictions

MOST_LABELS = 30
"""A matrix of more labels shows those of the largest confusions."""
MISTAKES, FEW = 12, 4
"""Pictures of mistakes for the primary head, and for each other head."""


@dataclass(frozen=True, eq=False)
class Member:
    """A checkpoint and what it says about the data set."""

    checkpoint: Checkpoint
    predictions: Predictions


@dataclass(frozen=True, eq=False)
class Head:
    """One head of one checkpoint; `calibration` is None where nothing is predicted."""

    task: str
    report: ClassReport
    matrix: MatrixFigure
    calibration: Calibration | None
    wrong: int
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, eq=False)
class Part:
    """One checkpoint: its heads (the primary one first), and what is most worth a look on it."""

    member: Member
    heads: tuple[Head, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Versus:
    """All checkpoints on one head: every pair, and the leaderboard."""

    task: str
    pairs: tuple[Comparison, ...]
    places: tuple[Standing, ...]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that is drawn: `n` images of `instances` objects lie in `split`; `audit` is what
    `python -m core audit` found (`Audit.to_json`), None where it was not run."""

    dataset: Dataset
    split: str
    n: int
    instances: int | None
    parts: tuple[Part, ...]
    versus: tuple[Versus, ...]
    audit: Mapping[str, Any] | None
    made: str
    versions: Mapping[str, str]


def gather(
    dataset: Dataset,
    members: Sequence[Member],
    split: str,
    thumbnails: Thumbnails,
    *,
    audit: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Report:
    """Compute the report of `members` on `split` ("all" for every row). `thumbnails` maps hashes of images to
    JPEG bytes (FeatureStore.thumbnails). Raises SelectionError where a checkpoint shares no task with the
    data set, DataError for an unknown split, and Cancelled from `progress`."""
    rows = dataset.split_mask(split)
    heads = [_heads(dataset, member) for member in members]
    tasks = [task for task in dataset.taxonomy.names if sum(task in shared for shared in heads) > 1]
    total = sum(map(len, heads)) + len(tasks)
    steps = iter(range(total))
    parts = []
    for member, shared in zip(members, heads, strict=True):
        found: list[Head] = []
        for task, head in shared.items():
            progress(next(steps), total, f"{member.checkpoint.name}: {task}")
            others = {m.checkpoint.name: h[task] for m, h in zip(members, heads, strict=True) if task in h}
            others.pop(member.checkpoint.name)
            most = FEW if found else MISTAKES
            worst = worst_mistakes(dataset, head, rows, thumbnails, others=others, most=most)
            found.append(_head(task, head, rows, worst))
        first = found[0]
        worth = findings(dataset, shared, first.report, first.task, rows)
        parts.append(Part(member, tuple(found), tuple(worth)))
    versus = []
    for task in tasks:
        progress(next(steps), total, f"comparing on {task}")
        named = {m.checkpoint.name: h[task] for m, h in zip(members, heads, strict=True) if task in h}
        versus.append(Versus(task, compare(named, rows), leaderboard(named, rows)))
    progress(total, total, "writing")
    instances = len(set(dataset.instances[rows].tolist())) if dataset.has_instances else None
    return Report(
        dataset, split, int(rows.sum()), instances, tuple(parts), tuple(versus), audit, now(), versions()
    )


def _heads(dataset: Dataset, member: Member) -> dict[str, Outcomes]:
    """The shared heads in the data set's order, the primary one first. Raises SelectionError."""
    names = [name for name in dataset.taxonomy.names if name in member.predictions.taxonomy]
    if not names:
        raise SelectionError(
            f"'{member.checkpoint.name}' and '{dataset.name}' have no task in common",
            cause=f"The data set has {', '.join(dataset.taxonomy.names)}; "
            f"the checkpoint has {', '.join(member.predictions.taxonomy.names)}.",
            fix="Choose a checkpoint that was trained on these tasks.",
        )
    names.sort(key=lambda name: name != dataset.taxonomy.primary.name)
    return {name: outcomes(dataset, member.predictions, name) for name in names}


def _head(task: str, head: Outcomes, rows: Mask, worst: tuple[Mistake, ...]) -> Head:
    judged = calibration(head, rows) if (rows & head.scored & head.answered).any() else None
    matrix = matrix_figure(confusion(head, rows), "count", hide_empty=True, most=MOST_LABELS)
    wrong = int(mistakes(head, rows).sum())
    return Head(task, class_report(head, rows), matrix, judged, wrong, worst)
