"""The per-class report: the report's own table to its printed digits, and agreement with scikit-learn."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    classification_report,
    log_loss,
    top_k_accuracy_score,
)

from core.evaluation import ClassReport, class_report, from_probabilities, scores
from tests.unit.evaluation_case import (
    REPORT_LABELS,
    everything,
    of_codes,
    of_matrix,
    report_matrix,
    report_outcomes,
)

PRINTED = {
    "clothing_wrist_watch": (1.00, 1.00, 1.00),
    "food_storage_plastic_container": (1.00, 1.00, 1.00),
    "personal_care_shampoo_bottle": (1.00, 1.00, 1.00),
    "travel_backpack": (1.00, 1.00, 1.00),
    "travel_handbag": (1.00, 1.00, 1.00),
    "clothing_cap": (1.00, 0.88, 0.93),
    "tableware_water_bottle": (1.00, 0.80, 0.89),
    "footwear_sneakers": (0.71, 1.00, 0.83),
    "personal_care_deodorant": (0.71, 1.00, 0.83),
    "personal_care_soap_bar": (1.00, 0.60, 0.75),
}


def of(report: ClassReport, label: str):
    return next(row for row in report.rows if row.label == label)


def test_report_prints_the_digits_of_the_published_table() -> None:
    report = class_report(report_outcomes(), everything(report_outcomes()))
    for label, (precision, recall, f1) in PRINTED.items():
        row = of(report, label)
        # The report prints 7/8 as 0.88: halves rounded up.
        assert math.floor(row.recall.value * 100 + 0.5) / 100 == recall
        assert (round(row.precision.value, 2), round(row.f1.value, 2)) == (precision, f1)
    assert f"{report.accuracy.value:.4f}" == "0.9245"
    assert f"{report.weighted_f1.value:.4f}" == "0.9244"
    precisions = np.average(
        [row.precision.value for row in report.rows], weights=[r.support for r in report.rows]
    )
    assert round(float(precisions), 2) == 0.95
    assert (report.n, report.instances) == (53, 11)
    assert of(report, "personal_care_soap_bar").confused_with == (("personal_care_deodorant", 2),)


def test_the_published_figures_leave_no_other_count_of_errors() -> None:
    matrix = report_matrix()
    assert matrix.sum() == 53 and np.trace(matrix) == 49
    false_alarms = matrix.sum(axis=0) - np.diag(matrix)
    assert dict(zip(REPORT_LABELS, false_alarms, strict=True))["personal_care_shampoo_bottle"] == 0
    assert dict(zip(REPORT_LABELS, false_alarms, strict=True))["clothing_cap"] == 0


@st.composite
def codes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    size = draw(st.integers(2, 6))
    n = draw(st.integers(1, 40))
    label = st.integers(0, size - 1)
    truth = draw(st.lists(label, min_size=n, max_size=n))
    prediction = draw(st.lists(label, min_size=n, max_size=n))
    return np.array(truth), np.array(prediction), size


@settings(deadline=None, max_examples=60)
@given(codes())
def test_report_agrees_with_scikit_learn(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    truth, prediction, size = case
    labels = tuple(f"label {k}" for k in range(size))
    found = of_codes(truth, prediction, labels)
    report = class_report(found, everything(found))
    theirs = classification_report(
        truth, prediction, labels=range(size), target_names=labels, output_dict=True, zero_division=np.nan
    )
    for row in report.rows:
        for name in ("precision", "recall", "f1"):
            key = "f1-score" if name == "f1" else name
            assert getattr(row, name).value == pytest.approx(theirs[row.label][key], nan_ok=True)
        assert row.support == theirs[row.label]["support"]
    seen = [k for k in range(size) if k in truth or k in prediction]
    assert [row.label for row in report.rows] == [labels[k] for k in seen]
    assert report.macro_f1.value == pytest.approx(np.mean([theirs[labels[k]]["f1-score"] for k in seen]))
    weighted = sum(theirs[labels[k]]["f1-score"] * theirs[labels[k]]["support"] for k in seen) / len(truth)
    assert report.weighted_f1.value == pytest.approx(weighted)
    assert report.accuracy.value == pytest.approx(accuracy_score(truth, prediction))
    support = np.bincount(truth, minlength=size) > 0
    recalls = [theirs[labels[k]]["recall"] for k in range(size) if support[k]]
    assert report.balanced_accuracy.value == pytest.approx(np.mean(recalls))
    for estimate in (report.accuracy, report.macro_f1, report.weighted_f1, report.balanced_accuracy):
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_scores_of_probabilities_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(3)
    truth = np.r_[np.arange(7), random.integers(0, 7, 193)].astype(np.int32)
    logits = random.normal(size=(200, 7)) + 2 * np.eye(7)[truth]
    table = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    found = from_probabilities("class", tuple("abcdefg"), truth, table)
    report = class_report(found, everything(found), k=3)
    exact = table.astype(float)
    assert report.log_loss.value == pytest.approx(
        log_loss(truth, exact / exact.sum(axis=1, keepdims=True)), rel=1e-4
    )
    assert report.top_k.value == pytest.approx(top_k_accuracy_score(truth, table, k=3))
    assert report.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(truth, found.prediction))
    assert report.k == 3
    assert report.log_loss.low < report.log_loss.value < report.log_loss.high


def test_a_missing_prediction_is_wrong_and_has_its_own_name() -> None:
    found = of_codes([0, 0, 1, 1], [0, -1, 1, 1], ("a", "b"))
    report = class_report(found, everything(found))
    assert report.accuracy.value == 0.75
    assert report.unanswered == 1
    assert of(report, "a").confused_with == (("no prediction", 1),)
    assert of(report, "a").precision.value == 1.0
    assert of(report, "a").recall.value == 0.5
    assert report.log_loss.n == 3


def test_a_missing_truth_is_left_out() -> None:
    found = of_codes([0, -1, 1, -1], [0, 1, 1, 0], ("a", "b"))
    report = class_report(found, everything(found))
    assert (report.n, report.accuracy.value) == (2, 1.0)
    assert of(report, "a").predicted == 1


def test_no_rows_give_undefined_estimates() -> None:
    found = of_codes([0, 1], [0, 1], ("a", "b"), np.array([0, 1]))
    report = class_report(found, np.zeros(2, dtype=bool))
    assert report.rows == ()
    for name in ("accuracy", "macro_f1", "weighted_f1", "balanced_accuracy", "log_loss", "top_k"):
        estimate = getattr(report, name)
        assert estimate.n == 0 and math.isnan(estimate.value) and estimate.text() == "–"


def test_all_right_is_no_certainty() -> None:
    found = of_matrix(np.diag([8, 5, 5, 5, 5, 5, 5, 5, 5, 5]), REPORT_LABELS)
    by_object = from_probabilities(
        "class", found.labels, found.truth, found.probabilities, None, found.truth.astype(np.int64)
    )
    report = class_report(by_object, everything(by_object))
    for estimate in (report.accuracy, report.macro_f1, report.weighted_f1, report.balanced_accuracy):
        assert estimate.value == pytest.approx(1.0)
        # 10 objects, all right: 10/10 by Wilson leaves everything from 72 % open.
        assert estimate.low == pytest.approx(0.72, abs=0.03)


def test_one_object_says_next_to_nothing() -> None:
    report = class_report(report_outcomes(), everything(report_outcomes()))
    soap = of(report, "personal_care_soap_bar")
    assert soap.instances == 1
    assert soap.recall.width > 0.8
    watch = of(report, "clothing_wrist_watch")
    assert watch.recall.low < 0.25


def test_objects_widen_and_never_narrow_the_interval() -> None:
    clustered = class_report(report_outcomes(), everything(report_outcomes()))
    plain = class_report(report_outcomes(False), everything(report_outcomes(False)))
    assert plain.accuracy.low == pytest.approx(0.8214, abs=1e-4)
    assert plain.accuracy.high == pytest.approx(0.9703, abs=1e-4)
    assert clustered.accuracy.low < plain.accuracy.low
    assert clustered.accuracy.high > plain.accuracy.high
    (alternative, *_) = clustered.accuracy.alternatives
    assert (alternative.low, alternative.high) == (plain.accuracy.low, plain.accuracy.high)


def test_intervals_are_the_same_every_time() -> None:
    first, second = (class_report(report_outcomes(), everything(report_outcomes())) for _ in range(2))
    assert first == second


def test_scores_are_the_headline_of_the_report() -> None:
    found = report_outcomes()
    headline, report = scores(found, everything(found)), class_report(found, everything(found))
    assert headline.accuracy == report.accuracy
    assert headline.macro_f1 == report.macro_f1
    assert headline.weighted_f1 == report.weighted_f1
    assert (headline.n, headline.instances) == (53, 11)


def test_frame_has_one_row_per_label_that_occurs() -> None:
    found = of_codes([0, 1, 1], [0, 2, 1], ("a", "b", "c", "never"))
    frame = class_report(found, everything(found)).frame()
    assert list(frame["label"]) == ["a", "b", "c"]
    assert frame.loc[1, "confused_with"] == "c (1)"
    assert {"precision", "precision_low", "recall_high", "f1", "support", "instances", "predicted"} <= set(
        frame
    )


def test_large_reports_stay_fast() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 200, 100_000)
    wrong = random.random(100_000) < 0.1
    prediction = np.where(wrong, random.integers(0, 200, 100_000), truth)
    found = of_codes(
        truth, prediction, tuple(f"label {k}" for k in range(200)), random.integers(0, 20_000, 100_000)
    )
    class_report(found, everything(found))
    start = time.process_time()  # the wall clock of a busy machine says nothing
    class_report(found, everything(found))
    assert time.process_time() - start < 3, "half a second when the machine is free"
