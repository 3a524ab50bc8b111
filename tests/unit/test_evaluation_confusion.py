"""Confusion matrix: counts, normalisations with their denominators, orders, cells, mistakes and pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from core.errors import SelectionError
from core.evaluation import confusion, from_probabilities, pairs, rank_mistakes, threshold_curve
from tests.unit.evaluation_case import (
    REPORT_LABELS,
    everything,
    of_codes,
    of_matrix,
    report_matrix,
    report_outcomes,
)


def test_matrix_of_the_report() -> None:
    found = report_outcomes()
    matrix = confusion(found, everything(found))
    assert (matrix.counts[:, :-1] == report_matrix()).all()
    assert (matrix.n, matrix.instances) == (53, 11)
    assert matrix.labels == REPORT_LABELS


def test_missing_predictions_have_their_column_and_missing_truths_no_row() -> None:
    found = of_codes([0, 0, 1, -1], [0, -1, 0, 1], ("a", "b"))
    matrix = confusion(found, everything(found))
    assert matrix.counts.tolist() == [[1, 0, 1], [1, 0, 0]]
    assert matrix.n == 3


def test_counts_are_scikit_learns() -> None:
    dice = np.random.default_rng(0)
    truth, prediction = dice.integers(-1, 6, 500), dice.integers(-1, 6, 500)
    found = of_codes(list(truth), list(prediction), tuple("abcdef"))
    known = truth >= 0
    wanted = confusion_matrix(truth[known], np.where(prediction < 0, 6, prediction)[known], labels=range(7))
    counts = confusion(found, everything(found)).counts
    assert counts.dtype == np.int64 and (counts == wanted[:6]).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4), min_size=4, max_size=4))
def test_normalisations_add_up_to_their_denominator(counts: list[list[int]]) -> None:
    found = of_matrix(np.array(counts), tuple("abcd"))
    matrix = confusion(found, everything(found))
    rows, columns, whole = (matrix.normalised(by) for by in ("row", "column", "all"))
    has_row, has_column = matrix.counts.sum(axis=1) > 0, matrix.counts.sum(axis=0) > 0
    assert rows[has_row].sum(axis=1) == pytest.approx(np.ones(has_row.sum()))
    assert columns[:, has_column].sum(axis=0) == pytest.approx(np.ones(has_column.sum()))
    assert np.isnan(rows[~has_row]).all() and np.isnan(columns[:, ~has_column]).all()
    assert np.nansum(whole) == pytest.approx(1.0 if matrix.n else 0.0)
    assert (matrix.normalised("count") == matrix.counts).all()
    for by in ("label", "error", "similarity"):
        assert sorted(matrix.order(by)) == [0, 1, 2, 3]


def test_the_worst_label_comes_first_by_error() -> None:
    found = report_outcomes()
    order = confusion(found, everything(found)).order("error")
    assert {REPORT_LABELS[k] for k in order[:3]} == {
        "personal_care_soap_bar",
        "personal_care_deodorant",
        "footwear_sneakers",
    }


def test_confused_labels_stand_together_by_similarity() -> None:
    counts = np.diag([10] * 6)
    counts[0, 3] = counts[3, 0] = counts[1, 5] = counts[5, 1] = 6
    found = of_matrix(counts, tuple("abcdef"))
    place = np.argsort(confusion(found, everything(found)).order("similarity"))
    assert abs(place[0] - place[3]) == 1 and abs(place[1] - place[5]) == 1


def test_two_hundred_labels_are_ordered_at_once() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 200, 5000)
    found = of_codes(truth, (truth + (random.random(5000) < 0.2)) % 200, tuple(map(str, range(200))))
    assert sorted(confusion(found, everything(found)).order("similarity")) == list(range(200))


def test_cells_name_what_they_hold() -> None:
    found = of_codes([0, 0, 0, 1], [1, 1, -1, 1], ("a", "b"))
    cells = confusion(found, everything(found)).cells()
    assert [(c.truth, c.prediction, c.count, c.right) for c in cells] == [
        ("a", "b", 2, False),
        ("a", "no prediction", 1, False),
        ("b", "b", 1, True),
    ]


def test_unknown_choices_are_refused() -> None:
    found = report_outcomes()
    matrix = confusion(found, everything(found))
    with pytest.raises(SelectionError, match="normalisation"):
        matrix.normalised("diagonal")  # type: ignore[arg-type]
    with pytest.raises(SelectionError, match="order"):
        matrix.order("colour")  # type: ignore[arg-type]
    with pytest.raises(SelectionError, match="ranked"):
        rank_mistakes(found, everything(found), "luck")  # type: ignore[arg-type]


def hesitant():
    table = np.array([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8], [0.5, 0.5]], dtype=np.float32)
    return from_probabilities("class", ("a", "b"), np.array([1, 1, 1, 1, -1], dtype=np.int32), table)


def test_mistakes_are_ranked() -> None:
    found = hesitant()
    rows = everything(found)
    assert rank_mistakes(found, rows, "confidence").tolist() == [0, 1, 2]
    assert rank_mistakes(found, rows, "loss").tolist() == [0, 1, 2]
    assert rank_mistakes(found, rows, "margin").tolist() == [0, 1, 2]
    assert rank_mistakes(found, rows, "entropy").tolist() == [2, 1, 0]
    assert rank_mistakes(found, rows & (np.arange(5) != 0)).tolist() == [1, 2]


def test_pairs_group_the_mistakes() -> None:
    found = of_codes([0, 0, 0, 1, 2, 2], [1, 1, 0, 0, 2, -1], ("a", "b", "c"))
    groups = pairs(found, everything(found))
    assert [(p.truth, p.prediction, p.n, p.rows.tolist()) for p in groups] == [
        ("a", "b", 2, [0, 1]),
        ("b", "a", 1, [3]),
    ]
    assert pairs(found, np.zeros(6, dtype=bool)) == ()


def test_threshold_curve_of_a_label() -> None:
    found = hesitant()
    curve = threshold_curve(found, everything(found), "b")
    assert (curve.n, curve.positives) == (4, 4)
    assert curve.recall[0] == 1.0
    assert (np.diff(curve.thresholds) > 0).all()
    assert curve.f1[curve.best] == curve.f1.max()
    with pytest.raises(SelectionError, match="no threshold curve"):
        threshold_curve(found, everything(found), "a")


def test_long_threshold_curves_are_thinned_but_keep_their_best() -> None:
    random = np.random.default_rng(0)
    p = random.random(5000).astype(np.float32)
    truth = (random.random(5000) < p).astype(np.int32)
    found = from_probabilities("class", ("no", "yes"), truth, np.stack([1 - p, p], axis=1))
    curve = threshold_curve(found, everything(found), "yes")
    assert len(curve.thresholds) <= 501
    assert curve.f1[curve.best] == curve.f1.max()
