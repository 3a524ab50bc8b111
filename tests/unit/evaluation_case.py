"""Small evaluations with known answers, for the tests of core/evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.dataset import Dataset, ValidationReport
from core.data.taxonomy import Task, Taxonomy
from core.evaluation import Outcomes, from_probabilities

REPORT_LABELS = (
    "clothing_cap",
    "clothing_wrist_watch",
    "food_storage_plastic_container",
    "footwear_sneakers",
    "personal_care_deodorant",
    "personal_care_shampoo_bottle",
    "personal_care_soap_bar",
    "tableware_water_bottle",
    "travel_backpack",
    "travel_handbag",
)
REPORT_SUPPORT = (8, 5, 5, 5, 5, 5, 5, 5, 5, 5)
REPORT_ERRORS = ((0, 3), (7, 3), (6, 4), (6, 4))
"""(truth, prediction): the only four errors that give the report's printed precisions and its 'two soap bars
taken for deodorant'; see docs/report-claims.md."""
REPORT_OBJECTS_OF_CAP = 2


def report_matrix() -> npt.NDArray[np.int64]:
    """The 53-image confusion matrix behind the report's per-class table, truth by prediction (10, 10)."""
    matrix = np.diag(REPORT_SUPPORT).astype(np.int64)
    for truth, prediction in REPORT_ERRORS:
        matrix[truth, truth] -= 1
        matrix[truth, prediction] += 1
    return matrix


def report_outcomes(instances: bool = True) -> Outcomes:
    """The report's test set: 53 images of 11 objects (caps 2, every other class 1)."""
    found = of_matrix(report_matrix(), REPORT_LABELS)
    if not instances:
        return found
    objects = found.truth.astype(np.int64).copy()
    objects[np.flatnonzero(objects == 0)[-4:]] = len(REPORT_LABELS)
    return from_probabilities(found.task, found.labels, found.truth, found.probabilities, None, objects)


def of_matrix(matrix: npt.NDArray[np.int64], labels: tuple[str, ...]) -> Outcomes:
    """Outcomes with exactly this confusion matrix (L, L)."""
    truth, prediction = (
        np.repeat(index, matrix.ravel()) for index in map(np.ravel, np.indices(matrix.shape))
    )
    return of_codes(truth, prediction, labels)


def of_codes(
    truth: npt.ArrayLike,
    prediction: npt.ArrayLike,
    labels: tuple[str, ...],
    instances: npt.NDArray[np.int64] | None = None,
    confidence: float = 0.8,
) -> Outcomes:
    """Outcomes with these codes; a prediction of -1 is a missing one."""
    codes = np.asarray(prediction, dtype=np.int64)
    table = np.full((len(codes), len(labels)), (1 - confidence) / max(len(labels) - 1, 1), dtype=np.float32)
    present = codes >= 0
    table[np.flatnonzero(present), codes[present]] = confidence
    table[~present] = np.nan
    return from_probabilities("class", labels, np.asarray(truth, dtype=np.int32), table, present, instances)


def everything(outcomes: Outcomes) -> npt.NDArray[np.bool_]:
    return np.ones(len(outcomes), dtype=bool)


@dataclass(frozen=True, eq=False)
class FakePredictions:
    """Stored predictions as evaluation sees them."""

    taxonomy: Taxonomy
    present: npt.NDArray[np.bool_]
    table: dict[str, npt.NDArray[np.float32]]

    def probabilities(self, task: str) -> npt.NDArray[np.float32]:
        return self.table[task]


def small_dataset(
    tasks: dict[str, tuple[tuple[str, ...], list[str | None]]],
    splits: list[str],
    instances: list[str] | None = None,
    extra: dict[str, list[str]] | None = None,
) -> Dataset:
    """A data set without files: tasks -> (labels, one label or None per row)."""
    n = len(splits)
    table = pd.DataFrame(
        {
            "image_id": [f"{row:016x}" for row in range(n)],
            "path": [f"{row}.jpg" for row in range(n)],
            "sha": [f"{row:064x}" for row in range(n)],
            "split": splits,
            "instance_id": instances or [""] * n,
            "caption": [""] * n,
            "width": [64] * n,
            "height": [64] * n,
        }
    )
    for name, (labels, values) in tasks.items():
        table[name] = pd.Categorical(values, categories=list(labels))
    for name, column in (extra or {}).items():
        table[name] = column
    taxonomy = Taxonomy(tuple(Task(name, labels) for name, (labels, _) in tasks.items()))
    report = ValidationReport(rows=n)
    return Dataset("small", Path("."), table, taxonomy, "f" * 32, report, tuple(extra or {}))
