"""Outcomes of one head: labels of data set and checkpoint joined, missing truths and predictions, NaN
refused."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.taxonomy import Task, Taxonomy
from core.errors import DataError, SelectionError, StoreError
from core.evaluation import evaluate, outcomes
from tests.unit.evaluation_case import FakePredictions, small_dataset

LABELS = ("mug", "vase")


def dataset():
    return small_dataset(
        {"kind": (LABELS, ["mug", "vase", None, "mug"]), "tint": (("red",), ["red"] * 4)},
        ["train", "test", "test", "test"],
        ["x", "x", "y", ""],
    )


def predictions(labels: tuple[str, ...], table: list[list[float]], present: list[bool] | None = None):
    return FakePredictions(
        Taxonomy((Task("kind", labels),)),
        np.array(present or [True] * len(table)),
        {"kind": np.array(table, dtype=np.float32)},
    )


def test_labels_of_the_data_set_come_first() -> None:
    given = predictions(("bowl", "vase", "mug"), [[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0, 1, 0], [0, 0, 1]])
    found = outcomes(dataset(), given, "kind")
    assert found.labels == ("mug", "vase", "bowl")
    assert found.truth.tolist() == [0, 1, -1, 0]
    assert found.prediction.tolist() == [0, 2, 1, 0]
    assert found.correct.tolist() == [True, False, False, True]
    assert found.scored.tolist() == [True, True, False, True]
    assert found.confidence == pytest.approx([0.7, 0.6, 1, 1])
    assert found.margin == pytest.approx([0.5, 0.3, 1, 1])
    assert found.loss[1] == pytest.approx(-np.log(0.3))
    assert np.isnan(found.loss[2])
    assert found.entropy[3] == pytest.approx(0.0, abs=1e-6)
    assert found.objects(np.ones(4, dtype=bool)) == 3


def test_a_label_the_checkpoint_does_not_know_has_probability_zero() -> None:
    found = outcomes(dataset(), predictions(("mug",), [[1.0]] * 4), "kind")
    assert found.labels == LABELS
    assert found.probabilities[:, 1].tolist() == [0, 0, 0, 0]
    assert np.isfinite(found.loss[1]) and found.loss[1] > 10
    assert found.margin.tolist() == [1, 1, 1, 1]


def test_rows_without_a_prediction_are_flagged() -> None:
    nan = float("nan")
    given = predictions(LABELS, [[0.9, 0.1], [nan, nan], [0.5, 0.5], [0.2, 0.8]], [True, False, True, True])
    found = outcomes(dataset(), given, "kind")
    assert found.prediction.tolist() == [0, -1, 0, 1]
    assert found.answered.tolist() == [True, False, True, True]
    for values in (found.confidence, found.margin, found.entropy, found.loss):
        assert np.isnan(values[1])


def test_nan_is_refused_at_the_door() -> None:
    with pytest.raises(StoreError, match="not probabilities"):
        outcomes(
            dataset(), predictions(LABELS, [[0.9, 0.1], [float("nan"), 0.2], [0.5, 0.5], [1, 0]]), "kind"
        )


def test_predictions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StoreError, match="do not fit"):
        outcomes(dataset(), predictions(LABELS, [[0.9, 0.1]]), "kind")
    with pytest.raises(StoreError, match="not probabilities"):
        outcomes(dataset(), predictions(LABELS, [[3.0, 1.0]] * 4), "kind")


def test_unknown_heads_are_named() -> None:
    with pytest.raises(SelectionError, match="no head 'tint'"):
        outcomes(dataset(), predictions(LABELS, [[1, 0]] * 4), "tint")
    with pytest.raises(DataError, match="no task"):
        outcomes(dataset(), predictions(LABELS, [[1, 0]] * 4), "shape")
    with pytest.raises(SelectionError, match="no label"):
        outcomes(dataset(), predictions(LABELS, [[1, 0]] * 4), "kind").code("plate")


def test_arrays_are_read_only() -> None:
    found = outcomes(dataset(), predictions(LABELS, [[1, 0]] * 4), "kind")
    with pytest.raises(ValueError, match="read-only"):
        found.confidence[0] = 0


def test_evaluation_has_the_documented_keys() -> None:
    found = evaluate(dataset(), predictions(LABELS, [[1, 0]] * 4, [True, True, True, False]), "test")
    given = found.to_json()
    assert (given["n"], given["instances"], given["unanswered"]) == (3, 3, 1)
    head = given["tasks"]["kind"]
    assert {"accuracy", "macro_f1", "weighted_f1", "per_class", "confusion", "labels"} <= set(head)
    assert {"value", "low", "high"} <= set(head["accuracy"])
    assert head["labels"] == ["mug", "vase"]
    assert head["confusion"] == [[0, 0, 1], [1, 0, 0]]
    assert head["accuracy"]["value"] == 0.0
    assert set(given["tasks"]) == {"kind"}


def test_evaluation_is_json_without_nan() -> None:
    import json

    found = evaluate(dataset(), predictions(LABELS, [[1, 0]] * 4), "all")
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["tasks"]


def test_nothing_in_common_is_said() -> None:
    other = FakePredictions(Taxonomy((Task("other", ("a",)),)), np.ones(4, dtype=bool), {})
    with pytest.raises(SelectionError, match="no task in common"):
        evaluate(dataset(), other, "test")
    with pytest.raises(SelectionError, match="was not evaluated"):
        evaluate(dataset(), predictions(LABELS, [[1, 0]] * 4), "test")["tint"]
