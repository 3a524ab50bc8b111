"""Calibration, temperature, coverage, heads together and ensembles, on predictions with planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from core.data.taxonomy import Task, Taxonomy
from core.errors import SelectionError
from core.evaluation import Outcomes, from_probabilities, outcomes
from core.evaluation.calibration import calibration
from core.evaluation.coverage import answer_from, coverage_curve, threshold_for
from core.evaluation.ensembles import ensemble, fit_weights
from core.evaluation.heads import together
from core.evaluation.temperature import fit_temperature, scaling, with_temperature
from tests.unit.evaluation_case import FakePredictions, everything, of_codes, small_dataset


def drawn(n: int, sharpness: float, seed: int = 0, objects: int = 0) -> Outcomes:
    """Probabilities that are true at sharpness 1, boastful above it and shy below."""
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(n, 4))
    table = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (random.random(n)[:, None] > table.cumsum(axis=1)).sum(axis=1).astype(np.int32)
    sharp = np.exp(logits * sharpness)
    given = (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32)
    instances = random.integers(0, objects, n) if objects else None
    return from_probabilities("class", ("a", "b", "c", "d"), truth, given, None, instances)


def test_true_probabilities_have_the_error_of_chance() -> None:
    found = calibration(drawn(2000, 1.0), everything(drawn(2000, 1.0)))
    assert found.ece.value < 2 * found.chance_ece
    assert found.adaptive_ece.value < 0.04
    assert found.confidence == pytest.approx(found.accuracy.value, abs=0.03)
    inside = [b.accuracy.low <= b.confidence <= b.accuracy.high for b in found.bins]
    assert np.mean(inside) >= 0.7
    assert sum(b.accuracy.n for b in found.bins) == 2000


def test_boasting_is_measured_and_mended_on_validation() -> None:
    given = drawn(4000, 2.5, objects=800)
    validation = np.arange(4000) < 2000
    before = calibration(given, ~validation)
    temperature = fit_temperature(given, validation)
    assert temperature == pytest.approx(2.5, rel=0.15)
    mended = with_temperature(given, temperature)
    after = calibration(mended, ~validation)
    assert before.ece.value > 0.1 > 0.05 > after.ece.value
    assert before.ece.low > after.ece.high
    assert (mended.prediction == given.prediction).all()
    assert after.ece.instances is not None


def test_brier_agrees_with_scikit_learn() -> None:
    given = drawn(300, 1.5)
    found = calibration(given, everything(given))
    exact = given.probabilities.astype(float)
    theirs = brier_score_loss(given.truth, exact / exact.sum(axis=1, keepdims=True), scale_by_half=False)
    assert found.brier.value == pytest.approx(theirs, rel=1e-5)
    assert found.brier.low < found.brier.value < found.brier.high


def test_temperature_survives_certainty_and_emptiness() -> None:
    sure = of_codes([0, 1, 1], [0, 1, 0], ("a", "b"), confidence=1.0)
    assert 0.05 <= fit_temperature(sure, everything(sure)) <= 20
    assert fit_temperature(sure, np.zeros(3, dtype=bool)) == 1.0
    with pytest.raises(SelectionError, match="nothing to calibrate"):
        calibration(sure, np.zeros(3, dtype=bool))
    with pytest.raises(SelectionError, match="no temperature"):
        with_temperature(sure, float("nan"))


def test_all_right_on_few_images_is_no_certainty() -> None:
    given = drawn(100, 1.0)
    right = from_probabilities(
        "class", given.labels, given.prediction, with_temperature(given, 0.5).probabilities
    )
    mended = with_temperature(right, fit_temperature(right, everything(right)))
    assert 0.97 < mended.confidence.mean() < 0.999


def test_a_scaling_is_judged_on_images_it_was_not_fitted_on() -> None:
    given = drawn(4000, 2.5, objects=800)
    validation = np.arange(4000) < 2000
    found = scaling(given, validation, ~validation)
    assert found is not None and found.before is not None and found.after is not None
    assert found.images == 2000 and found.after.log_loss.n == 2000
    assert found.before.ece.low > found.after.ece.high
    assert found.gain is not None and found.gain.low > 0
    gap = found.before.log_loss.value - found.after.log_loss.value
    assert found.gain.value == pytest.approx(gap, abs=1e-6)
    alone = scaling(given, validation, validation)  # nothing is left to judge it on
    assert alone is not None and alone.before is None and alone.temperature == found.temperature
    assert scaling(given, np.zeros(4000, dtype=bool), validation) is None


def test_a_temperature_gives_foreign_labels_nothing() -> None:
    table = np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0]] * 10, dtype=np.float32)
    truth = np.array([0, 1] * 9 + [2, 2], dtype=np.int32)
    given = from_probabilities("class", ("a", "b", "new"), truth, table)
    known = np.arange(20) < 18
    assert fit_temperature(given, everything(given)) == pytest.approx(fit_temperature(given, known))
    assert (with_temperature(given, 20.0).probabilities[:, 2] == 0).all()


def test_missing_predictions_stay_missing_under_a_temperature() -> None:
    given = of_codes([0, 1, 1], [0, -1, 0], ("a", "b"))
    assert with_temperature(given, 2.0).prediction.tolist() == [0, -1, 0]
    assert calibration(given, everything(given)).accuracy.n == 2


def test_answering_only_when_sure() -> None:
    table = np.array([[0.95, 0.05], [0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [np.nan, np.nan]], dtype=np.float32)
    given = from_probabilities(
        "class", ("a", "b"), np.array([0, 0, 1, 1, 0], dtype=np.int32), table, np.array([True] * 4 + [False])
    )
    answer = answer_from(given, everything(given), 0.85)
    assert (answer.answered, answer.errors, answer.errors_avoided) == (2, 0, 2)
    assert answer.coverage.value == pytest.approx(0.4) and answer.accuracy.value == 1.0
    curve = coverage_curve(given, everything(given))
    assert curve.thresholds == pytest.approx([0.6, 0.8, 0.9, 0.95])
    assert curve.coverage == pytest.approx([0.8, 0.6, 0.4, 0.2])
    assert curve.accuracy == pytest.approx([0.5, 2 / 3, 1, 1])
    chosen = threshold_for(given, everything(given), 0.99)
    assert chosen is not None and chosen.threshold == pytest.approx(0.9) and chosen.answered == 2
    assert threshold_for(given, np.arange(5) >= 2, 0.9) is None
    nothing = answer_from(given, everything(given), 1.0)
    assert nothing.answered == 0 and np.isnan(nothing.accuracy.value)
    with pytest.raises(SelectionError, match="no confidence"):
        answer_from(given, everything(given), 1.5)


def test_errors_that_come_together_are_found() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300)
    hard = random.random(300) < 0.2
    first = of_codes(truth, np.where(hard, 1 - truth, truth), ("a", "b"))
    second = of_codes(truth, np.where(hard & (random.random(300) < 0.8), 1 - truth, truth), ("a", "b"))
    third = of_codes(truth, np.where(random.random(300) < 0.3, 1 - truth, truth), ("a", "b"))
    found = together({"first": first, "second": second, "third": third}, everything(first))
    pair = found.pairs[0]
    assert (pair.a, pair.b) == ("first", "second")
    assert len(pair.neither) > 3 * pair.expected_neither
    assert pair.p < 0.001 and pair.matrix.sum() == 300
    assert pair.b_when_a_wrong.value < 0.4 < 0.9 < pair.b_when_a_right.value
    assert pair.phi == pytest.approx(np.corrcoef(~first.correct, ~second.correct)[0, 1])
    assert pair.lift is not None and pair.lift.low > 2
    assert pair.lift.value == pytest.approx(len(pair.neither) / pair.expected_neither)
    assert found.pairs[1].p > 0.05 and found.pairs[1].lift.low < 1 < found.pairs[1].lift.high
    assert sum(found.wrong_heads) == 300 and found.wrong_heads[0] == round(found.joint.value * 300)
    with pytest.raises(SelectionError, match="one head only"):
        together({"first": first}, everything(first))


def test_one_hard_object_does_not_tie_two_heads_together() -> None:
    truth = np.zeros(200, dtype=np.int64)
    hard = np.arange(200) < 10  # ten photographs that both heads get wrong
    objects = np.r_[np.zeros(10), np.repeat(np.arange(1, 20), 10)].astype(np.int64)
    alone = [of_codes(truth, hard.astype(int), ("a", "b"), objects) for _ in range(2)]
    apart = [of_codes(truth, hard.astype(int), ("a", "b")) for _ in range(2)]
    one, other = (
        together(dict(zip("xy", heads, strict=True)), everything(heads[0])) for heads in (alone, apart)
    )
    assert one.pairs[0].p > 0.05 and other.pairs[0].p < 1e-6


def test_heads_without_errors_have_nothing_to_share() -> None:
    right = of_codes([0, 1] * 10, [0, 1] * 10, ("a", "b"))
    pair = together({"x": right, "y": right}, everything(right)).pairs[0]
    assert pair.lift is None and (pair.phi, pair.p) == (0.0, 1.0)
    assert pair.b_when_a_wrong.n == 0


def test_heads_are_joined_only_where_every_truth_is_known() -> None:
    first = of_codes([0, -1, 1], [0, 0, 1], ("a", "b"))
    second = of_codes([0, 1, -1], [0, 1, 1], ("a", "b"))
    found = together({"first": first, "second": second}, everything(first))
    assert found.joint.n == 1 and found.joint.value == 1.0


def members(n: int = 400) -> tuple:
    random = np.random.default_rng(1)
    labels = ("a", "b", "c")
    truth = random.integers(0, 3, n)
    dataset = small_dataset(
        {"kind": (labels, [labels[k] for k in truth])}, ["val"] * (n // 2) + ["test"] * (n // 2)
    )
    found = []
    for strength in (2.0, 2.0, 0.0):
        logits = random.normal(size=(n, 3)) + strength * np.eye(3)[truth]
        table = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
        found.append(
            FakePredictions(Taxonomy((Task("kind", labels),)), np.ones(n, dtype=bool), {"kind": table})
        )
    return dataset, found


def test_an_ensemble_of_two_good_members_beats_each() -> None:
    dataset, (one, two, noise) = members()
    test = dataset.split_mask("test")
    joined = outcomes(dataset, ensemble([one, two]), "kind")
    alone = [outcomes(dataset, member, "kind") for member in (one, two)]
    truth = dataset.codes("kind")[test]
    exact = [o.probabilities[test].astype(float) for o in (joined, *alone)]
    losses = [log_loss(truth, p / p.sum(axis=1, keepdims=True)) for p in exact]
    assert losses[0] < min(losses[1:])


def test_weights_fitted_on_validation_leave_out_noise() -> None:
    dataset, (one, two, noise) = members()
    weights = fit_weights(dataset, [one, two, noise], dataset.split_mask("val"))["kind"]
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()
    assert weights[2] < 0.15 < min(weights[:2])
    joined = outcomes(dataset, ensemble([one, two, noise], {"kind": weights}), "kind")
    equal = outcomes(dataset, ensemble([one, two, noise]), "kind")
    test = dataset.split_mask("test")
    assert joined.loss[test].mean() < equal.loss[test].mean()


def test_weights_without_validation_are_equal() -> None:
    dataset, given = members()
    assert fit_weights(dataset, given, np.zeros(400, dtype=bool))["kind"] == pytest.approx(np.full(3, 1 / 3))


def test_members_with_other_labels_make_no_ensemble() -> None:
    _, (one, two, _) = members()
    other = FakePredictions(Taxonomy((Task("kind", ("x",)),)), two.present, two.table)
    with pytest.raises(SelectionError, match="no ensemble"):
        ensemble([one, other])
    with pytest.raises(SelectionError, match="no ensemble"):
        ensemble([])
