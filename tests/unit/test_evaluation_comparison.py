"""Paired evidence: differences, McNemar, the sign-flip test by object, Holm, ties, and what would decide."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy.stats import binomtest

from core.data import Dataset
from core.errors import SelectionError
from core.evaluation import Outcomes
from core.evaluation.agreement import agreement, label_deltas
from core.evaluation.comparison import compare, leaderboard
from core.evaluation.ensembles import fit_weights, judge
from core.evaluation.paired import (
    difference,
    discordance,
    exact_mcnemar,
    images_needed,
    more_images,
    object_test,
    smallest_detectable,
)
from tests.unit.evaluation_case import (
    FakePredictions,
    everything,
    of_codes,
    report_outcomes,
    small_dataset,
)


def changed(base: Outcomes, rows: list[int]) -> Outcomes:
    """The same outcomes, but wrong on `rows`."""
    prediction = base.prediction.copy()
    prediction[rows] = (base.truth[rows] + 1) % len(base.labels)
    return of_codes(base.truth, prediction, base.labels, base.instances)


def test_one_image_of_the_report_cannot_rank_two_models() -> None:
    first = report_outcomes()
    second = changed(first, [int(np.flatnonzero(first.truth == 5)[0])])
    (pair,) = compare({"DeiT-Tiny": first, "MobileViT-XXS": second}, everything(first))
    assert pair.verdict == "undecided"
    assert pair.mcnemar_p == 1.0 and pair.object_p == 1.0
    assert pair.difference.low < 0 < pair.difference.high
    assert pair.sentence.startswith(
        "DeiT-Tiny is ahead of MobileViT-XXS by 1.9 points on 53 images of 11 objects; that is one image; "
        "the two cannot be told apart (p = 1.00). About "
    )
    assert pair.detectable > 0.1
    assert pair.more_images is not None and pair.more_images > 200


def test_a_large_gap_is_seen() -> None:
    first = of_codes(np.zeros(100, dtype=int), np.zeros(100, dtype=int), ("a", "b"))
    second = changed(first, list(range(30)))
    (pair,) = compare({"new": second, "old": first}, everything(first))
    assert pair.verdict == "b" and pair.difference.value == pytest.approx(-0.3)
    assert (
        "old is ahead of new by 30.0 points on 100 images; that is 30 images, and more than chance"
        in pair.sentence
    )
    places = leaderboard({"new": second, "old": first}, everything(first))
    assert [(place.name, place.rank) for place in places] == [("old", 1), ("new", 2)]


def test_equals_are_level() -> None:
    first = report_outcomes()
    (pair,) = compare({"x": first, "y": first}, everything(first))
    assert pair.sentence == "x and y are level on 53 images of 11 objects: they never differ in being right."
    assert pair.difference.value == 0 and pair.more_images is None
    assert -0.25 < pair.difference.low < -0.05 and 0.05 < pair.difference.high < 0.25
    assert [place.rank for place in leaderboard({"x": first, "y": first}, everything(first))] == [1, 1]


def test_mcnemar_is_the_sign_test_on_the_discordant_images() -> None:
    a = np.array([True] * 9 + [False] * 3 + [True] * 20)
    b = np.array([False] * 9 + [True] * 3 + [True] * 20)
    found = discordance(a, b, None)
    assert (found.only_a, found.only_b) == (9, 3)
    assert exact_mcnemar(found) == pytest.approx(binomtest(9, 12).pvalue)


def test_the_object_test_is_the_sign_test_where_every_object_is_one_image() -> None:
    a = np.array([True] * 9 + [False] * 2 + [True] * 20)
    b = np.array([False] * 9 + [True] * 2 + [True] * 20)
    assert object_test(a, b, np.arange(31)) == pytest.approx(binomtest(9, 11).pvalue)


def test_twenty_images_of_one_object_are_no_evidence() -> None:
    a = np.array([True] * 20 + [True] * 20)
    b = np.array([False] * 20 + [True] * 20)
    objects = np.r_[np.zeros(20, dtype=int), np.arange(1, 21)]
    assert exact_mcnemar(discordance(a, b, None)) < 1e-4
    assert object_test(a, b, objects) == 1.0
    assert difference(a, b, objects).low < 0 < difference(a, b, None).low


def test_mcnemar_keeps_its_level() -> None:
    random = np.random.default_rng(0)
    rejected = 0
    for _ in range(400):
        hard = random.random(53)
        a, b = (hard < random.normal(0.9, 0.05, 53) for _ in range(2))
        rejected += exact_mcnemar(discordance(a, b, None)) < 0.05
    assert rejected / 400 <= 0.05


def test_more_images_lower_what_can_be_detected() -> None:
    random = np.random.default_rng(0)
    found = [
        smallest_detectable(discordance(random.random(n) < 0.9, random.random(n) < 0.9, None))
        for n in (53, 500, 5000)
    ]
    assert found[0] > found[1] > found[2]
    assert found[0] > 0.1
    assert images_needed(0.05, 0.1) > images_needed(0.1, 0.1)


def test_more_images_would_decide() -> None:
    a, b = np.ones(100, dtype=bool), np.ones(100, dtype=bool)
    b[:4] = False
    a[4:6] = False
    found = discordance(a, b, None)
    wanted = more_images(found)
    assert wanted is not None
    assert images_needed(0.02, found.rate) == pytest.approx(100 + wanted, abs=1)


def test_holm_makes_many_pairs_stricter() -> None:
    first = of_codes(np.zeros(60, dtype=int), np.zeros(60, dtype=int), ("a", "b"))
    members = {"0": first} | {str(k): changed(first, list(range(7))) for k in range(1, 5)}
    few = compare({name: members[name] for name in ("0", "1")}, everything(first))
    many = compare(members, everything(first))
    assert few[0].verdict == "a"
    assert many[0].p > few[0].p and many[0].mcnemar_p == few[0].mcnemar_p
    assert len(many) == 10


def test_what_cannot_be_compared_is_refused() -> None:
    first = report_outcomes()
    with pytest.raises(SelectionError, match="nothing to compare"):
        compare({"x": first}, everything(first))
    other = of_codes(first.truth[::-1], first.prediction, first.labels)
    with pytest.raises(SelectionError, match="cannot be compared"):
        compare({"x": first, "y": other}, everything(first))
    (place,) = leaderboard({"x": first}, everything(first))
    assert place.rank == 1 and place.tied_with == ()


def test_no_rows_are_no_evidence() -> None:
    first = report_outcomes()
    (pair,) = compare({"x": first, "y": first}, np.zeros(53, dtype=bool))
    assert pair.verdict == "undecided" and "share no image" in pair.sentence
    assert pair.to_json()["difference"] is None


def test_json_has_the_documented_keys() -> None:
    first = report_outcomes()
    (pair,) = compare({"x": first, "y": changed(first, [0])}, everything(first))
    keys = {"a", "b", "task", "difference", "low", "high", "mcnemar_p", "verdict"}
    assert keys <= set(pair.to_json())


def test_agreement_divides_the_images() -> None:
    a = of_codes([0, 0, 1, 1, 0], [0, 1, 1, 0, 1], ("a", "b"))
    b = of_codes([0, 0, 1, 1, 0], [0, 0, 0, 0, -1], ("a", "b"))
    found = agreement(a, b, everything(a))
    assert found.both.tolist() == [0]
    assert found.only_a.tolist() == [2]
    assert found.only_b.tolist() == [1]
    assert found.neither.tolist() == [3, 4]
    assert found.matrix.tolist() == [[2, 0], [2, 0]]
    assert found.error_overlap == pytest.approx(2 / 4)
    assert found.same_error == 1


def test_label_deltas_name_the_largest_gap_first() -> None:
    first = report_outcomes()
    second = changed(first, np.flatnonzero(first.truth == 9)[:4].tolist())
    deltas = label_deltas(first, second, everything(first))
    assert deltas[0].label == "travel_handbag"
    assert deltas[0].difference.value == pytest.approx(0.8)
    assert len(deltas) == 10


def test_more_objects_come_with_more_images() -> None:
    first = report_outcomes()
    second = changed(first, [int(np.flatnonzero(first.truth == 5)[0])])
    (pair,) = compare({"DeiT-Tiny": first, "MobileViT-XXS": second}, everything(first))
    assert pair.more_images is not None and pair.more_objects is not None
    assert pair.more_objects == math.ceil(pair.more_images * 11 / 53)
    assert re.search(r"About [\d,]+ more images of [\d,]+ more objects would decide", pair.sentence)
    assert pair.to_json()["more_objects"] == pair.more_objects
    alone = report_outcomes(instances=False)
    (pair,) = compare({"x": alone, "y": changed(alone, [0])}, everything(alone))
    assert pair.more_objects is None and "objects" not in pair.sentence


def ensemble_case() -> tuple[Dataset, dict[str, FakePredictions]]:
    """Forty images of two labels: A is sure and right on the first thirty, B on the last thirty."""
    values: list[str | None] = [("x", "y")[row % 2] for row in range(40)]
    dataset = small_dataset({"kind": (("x", "y"), values)}, ["val"] * 20 + ["test"] * 20)
    truth = dataset.codes("kind")
    members = {}
    for name, wrong in (("A", slice(30, 40)), ("B", slice(0, 10))):
        table = np.full((40, 2), 0.05, dtype=np.float32)
        table[np.arange(40), truth] = 0.95
        table[wrong] = np.where(np.arange(2) == truth[wrong, None], 0.4, 0.6)
        members[name] = FakePredictions(dataset.taxonomy, np.ones(40, dtype=bool), {"kind": table})
    return dataset, members


def test_an_ensemble_is_judged_like_a_checkpoint_against_its_best_member() -> None:
    dataset, members = ensemble_case()
    (head,) = judge(dataset, members, {}, np.ones(40, dtype=bool))
    assert head.weights == (0.5, 0.5)
    assert head.scores.accuracy.value == 1
    assert head.best == "A" and head.gain.b == "A"
    assert head.gain.difference.value == pytest.approx(0.25)
    assert (head.gain.counts.only_a, head.gain.counts.only_b) == (10, 0)
    assert head.gain.verdict == "a"
    assert head.ece is not None and head.log_loss.value < 0.6


def test_fitted_weights_prefer_the_member_that_validation_prefers() -> None:
    dataset, members = ensemble_case()
    weights = fit_weights(dataset, list(members.values()), dataset.split_mask("val"))
    (head,) = judge(dataset, members, weights, dataset.split_mask("test"))
    assert head.weights[0] > 0.9
    assert sum(head.weights) == pytest.approx(1)
