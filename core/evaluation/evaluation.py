"""The evaluation of one checkpoint on one split: every head that the data set and the checkpoint share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.dataset import Dataset
from core.errors import SelectionError
from core.evaluation.confusion import Confusion, confusion
from core.evaluation.outcomes import HasProbabilities, Mask, Outcomes, outcomes
from core.evaluation.report import ClassReport, ClassRow, class_report


@dataclass(frozen=True, eq=False)
class HeadEvaluation:
    """One head: its report and its confusion matrix."""

    task: str
    report: ClassReport
    confusion: Confusion

    def to_json(self) -> dict[str, Any]:
        """The head's part of `Evaluation.to_json`. `confusion` is truth by prediction, last column = no
        prediction."""
        report = self.report
        return {
            "n": report.n,
            "instances": report.instances,
            "unanswered": report.unanswered,
            "labels": list(self.confusion.labels),
            "accuracy": report.accuracy.to_json(),
            "balanced_accuracy": report.balanced_accuracy.to_json(),
            "macro_f1": report.macro_f1.to_json(),
            "weighted_f1": report.weighted_f1.to_json(),
            "log_loss": report.log_loss.to_json(),
            "top_k": {"k": report.k} | report.top_k.to_json(),
            "per_class": {row.label: _class_json(row) for row in report.rows},
            "confusion": self.confusion.counts.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A checkpoint on a split: `n` images of `instances` objects, `unanswered` of them without a
    prediction."""

    split: str
    n: int
    instances: int | None
    unanswered: int
    heads: tuple[HeadEvaluation, ...]

    def __getitem__(self, task: str) -> HeadEvaluation:
        """The evaluation of head `task`. Raises SelectionError."""
        for head in self.heads:
            if head.task == task:
                return head
        raise SelectionError(
            f"Head '{task}' was not evaluated",
            cause=f"Evaluated were: {', '.join(head.task for head in self.heads)}.",
            fix="Choose one of them.",
        )

    def to_json(self) -> dict[str, Any]:
        """Keys split, n, instances, unanswered, tasks -> {head: its figures}; undefined numbers are null."""
        return {
            "split": self.split,
            "n": self.n,
            "instances": self.instances,
            "unanswered": self.unanswered,
            "tasks": {head.task: head.to_json() for head in self.heads},
        }


def evaluate(dataset: Dataset, predictions: HasProbabilities, split: str) -> Evaluation:
    """Evaluate every shared head on `split` ("all" for every row). Raises SelectionError where no head is
    shared, and DataError for an unknown split."""
    rows = dataset.split_mask(split)
    shared = [name for name in dataset.taxonomy.names if name in predictions.taxonomy]
    if not shared:
        raise SelectionError(
            "Data set and checkpoint have no task in common",
            cause=f"The data set has {', '.join(dataset.taxonomy.names)}; "
            f"the checkpoint has {', '.join(predictions.taxonomy.names)}.",
            fix="Choose a checkpoint that was trained on these tasks.",
        )
    heads = tuple(_head(outcomes(dataset, predictions, name), rows) for name in shared)
    instances = len(np.unique(dataset.instances[rows])) if dataset.has_instances else None
    unanswered = int((rows & ~np.asarray(predictions.present)).sum())
    return Evaluation(split, int(rows.sum()), instances, unanswered, heads)


def _head(found: Outcomes, rows: Mask) -> HeadEvaluation:
    return HeadEvaluation(found.task, class_report(found, rows), confusion(found, rows))


def _class_json(row: ClassRow) -> dict[str, Any]:
    return {
        "precision": row.precision.to_json(),
        "recall": row.recall.to_json(),
        "f1": row.f1.to_json(),
        "support": row.support,
        "instances": row.instances,
        "predicted": row.predicted,
        "confused_with": [{"label": label, "n": n} for label, n in row.confused_with],
    }
