"""How far a map may be trusted, and what is true in the original space."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import SelectionError
from core.evaluation import confusion
from core.projection import align, overlap, separation, space
from core.projection.quality import agreement, measure
from tests.unit.evaluation_case import everything, of_codes
from tests.unit.test_projection_maps import LABELS, clouds

NAMES = ("a", "b", "c", "d")


def codes(n: int = 160) -> np.ndarray:
    return (np.arange(n) % LABELS).astype(np.int32)


def test_a_faithful_map_is_trusted_and_a_shuffled_one_is_not() -> None:
    draw = np.random.default_rng(0)
    flat = draw.normal(size=(300, 2)).astype(np.float32)
    good = measure(flat, flat)
    bad = measure(flat, flat[draw.permutation(300)])
    assert good.trustworthiness == pytest.approx(1) and good.kept == 1
    assert bad.trustworthiness < 0.65
    assert bad.kept == pytest.approx(bad.chance, abs=0.03)
    assert "are alike" in good.sentence() and "little in common" in bad.sentence()


def test_agreement_of_two_maps_does_not_mind_turning() -> None:
    flat = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    turned = flat @ np.array([[0, -3], [3, 0]], dtype=np.float32)
    assert agreement(flat, turned, 10) == 1
    assert agreement(flat, flat[::-1].copy(), 10) < 0.2


def test_quality_of_a_handful_is_not_made_up() -> None:
    few = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    found = measure(few, few[:, :2])
    assert found.neighbours == 2
    assert 0 <= found.kept <= 1


def test_clouds_are_apart_and_shuffled_labels_are_not() -> None:
    found = space(clouds())
    apart = separation(found, codes(), NAMES)
    mixed = separation(found, np.random.default_rng(0).permutation(codes()), NAMES)
    assert apart.accuracy.value == 1 and apart.silhouette > 0.5
    assert np.allclose(np.diag(apart.mixing), 1)
    assert mixed.accuracy.value < 0.5 and abs(mixed.silhouette) < 0.1
    assert np.allclose(mixed.mixing.sum(axis=1), 1)


def test_other_photographs_of_the_object_do_not_vote() -> None:
    """Every object is a knot of its own with a label at random: only its own photographs give it away."""
    draw = np.random.default_rng(3)
    objects = np.repeat(np.arange(40), 12)
    table = draw.normal(size=(40, 16))[objects] + draw.normal(0, 0.01, (480, 16))
    truth = draw.integers(0, 2, 40)[objects].astype(np.int32)
    found = space(table.astype(np.float32))
    assert separation(found, truth, ("a", "b")).accuracy.value == 1
    fair = separation(found, truth, ("a", "b"), objects)
    assert fair.apart and fair.accuracy.value < 0.8
    assert fair.accuracy.instances == 40


def test_only_the_asked_rows_are_judged_but_all_may_vote() -> None:
    rows = np.arange(160) < 20
    found = separation(space(clouds()), codes(), NAMES, rows=rows)
    assert found.accuracy.n == 20 and found.accuracy.value == 1


def test_missing_labels_are_left_out_and_none_is_an_error() -> None:
    truth = codes()
    truth[::2] = -1
    assert separation(space(clouds()), truth, NAMES).accuracy.n == 80
    with pytest.raises(SelectionError, match="nothing to separate"):
        separation(space(clouds()), np.full(160, -1, np.int32), NAMES)


def test_one_label_has_no_silhouette() -> None:
    found = separation(space(clouds()), np.zeros(160, np.int32), NAMES)
    assert math.isnan(found.silhouette) and found.accuracy.value == 1
    assert [row.label for row in found.worst] == ["a"]


def test_what_mixes_is_matched_to_what_is_confused() -> None:
    table, truth = clouds(), codes()
    table[truth == 1] = table[truth == 0] + 0.01  # a and b lie on each other, and are confused
    prediction = truth.copy()
    prediction[np.flatnonzero(truth == 1)[:15]] = 0
    outcomes = of_codes(truth, prediction, NAMES)
    found = overlap(separation(space(table), truth, NAMES), confusion(outcomes, everything(outcomes)))
    first = found.pairs[0]
    assert {first.first, first.second} == {"a", "b"}
    assert (first.confused, first.support) == (15, 80)
    assert first.mixing > 0.3 > found.pairs[1].mixing
    assert "1 of the 1 pairs" in found.sentence()


def test_without_confusions_the_overlap_says_so() -> None:
    outcomes = of_codes(codes(), codes(), NAMES)
    found = overlap(separation(space(clouds()), codes(), NAMES), confusion(outcomes, everything(outcomes)))
    assert math.isnan(found.agreement) and "no two labels" in found.sentence()


def test_alignment_undoes_turning_scaling_and_mirroring() -> None:
    draw = np.random.default_rng(5)
    first = draw.normal(size=(50, 2)).astype(np.float32)
    second = (first @ np.array([[0, 2], [2, 0]]) + 7).astype(np.float32)
    second[4] = np.nan
    found = align(first, second)
    assert found.disparity < 1e-6
    both = np.isfinite(found.second[:, 0])
    assert both.sum() == 49 and not both[4]
    assert np.allclose(found.first[both], found.second[both], atol=1e-4)


def test_maps_of_other_dimensions_or_without_common_rows_are_refused() -> None:
    flat = np.zeros((10, 2), np.float32)
    with pytest.raises(SelectionError, match="laid over"):
        align(flat, np.zeros((10, 3), np.float32))
    with pytest.raises(SelectionError, match="too little"):
        align(flat, flat)
