"""Findings on drawn outcomes: planted defects are found, with the right numbers, and clean data is silent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data import Dataset, Task, Taxonomy, ValidationReport
from core.evaluation import Outcomes, class_report, from_probabilities
from core.findings import Finding, findings

LABELS = ("x", "y", "z")
N = 90


def dataset(
    truth: np.ndarray, split: list[str], instance: list[str], sha: list[str] | None = None
) -> Dataset:
    table = pd.DataFrame(
        {
            "image_id": [f"{n:016x}" for n in range(N)],
            "path": [f"{n}.jpg" for n in range(N)],
            "sha": sha or [f"{n:064x}" for n in range(N)],
            "split": split,
            "instance_id": instance,
            "caption": "",
            "width": 8,
            "height": 8,
            "class": pd.Categorical.from_codes(truth, categories=list(LABELS)),
        }
    )
    taxonomy = Taxonomy((Task("class", LABELS),))
    return Dataset("drawn", Path("."), table, taxonomy, "f" * 32, ValidationReport(N))


def outcomes(data: Dataset, prediction: np.ndarray, confidence: float = 0.8) -> Outcomes:
    probabilities = np.full((N, 3), (1 - confidence) / 2, np.float32)
    probabilities[np.arange(N), prediction] = confidence
    return from_probabilities("class", LABELS, data.codes("class"), probabilities, None, data.instances)


def found(data: Dataset, prediction: np.ndarray, confidence: float = 0.8) -> dict[str, Finding]:
    head = outcomes(data, prediction, confidence)
    rows = data.split_mask("test")
    listed = findings(data, {"class": head}, class_report(head, rows), "class", rows)
    assert [finding.concerned for finding in listed] == sorted((f.concerned for f in listed), reverse=True)
    return {finding.kind: finding for finding in listed}


@pytest.fixture
def truth() -> np.ndarray:
    return np.arange(N) % 3


@pytest.fixture
def split() -> list[str]:
    return ["train"] * 45 + ["test"] * 45


ALONE = [f"i{n // 3}" for n in range(N)]


def test_nothing_is_found_where_nothing_is_wrong(truth: np.ndarray, split: list[str]) -> None:
    assert found(dataset(truth, split, ALONE), truth) == {}


def test_the_worst_pair_the_weakest_class_and_the_surest_mistake(truth: np.ndarray, split: list[str]) -> None:
    prediction = truth.copy()
    wrong = [row for row in range(45, N) if truth[row] == 0][:4]
    prediction[wrong] = 1
    kinds = found(dataset(truth, split, ALONE), prediction, confidence=0.95)
    assert kinds["pair"].parameters == {"truth": "x", "prediction": "y"}
    assert kinds["pair"].concerned == 4
    assert set(kinds["pair"].rows) <= set(wrong)
    assert "4 of 15 images" in kinds["pair"].evidence
    assert kinds["class"].parameters["class"] == "x"
    assert kinds["class"].concerned == 4
    assert "95.0 %" in kinds["mistake"].title
    assert kinds["mistake"].concerned == 4


def test_a_head_that_always_gives_one_answer_is_named(truth: np.ndarray, split: list[str]) -> None:
    kinds = found(dataset(truth, split, ALONE), np.zeros(N, int))
    assert kinds["majority"].concerned == 30
    assert "33.3 %" in kinds["majority"].evidence


def test_an_unseen_label_is_counted(truth: np.ndarray, split: list[str]) -> None:
    truth[:45] = np.arange(45) % 2
    kinds = found(dataset(truth, split, ALONE), truth)
    assert kinds["unseen"].concerned == 15
    assert kinds["unseen"].changes["truth"] == ("z",)


def test_objects_and_files_in_two_splits_are_leaks(truth: np.ndarray, split: list[str]) -> None:
    instance = ["same" if row in (0, 50, 51) else name for row, name in enumerate(ALONE)]
    sha = [f"{0 if row == 60 else row:064x}" for row in range(N)]
    kinds = found(dataset(truth, split, instance, sha), truth)
    assert kinds["leak"].concerned == 2
    assert kinds["leak"].rows == (50, 51)
    assert kinds["twin"].rows == (60,)
