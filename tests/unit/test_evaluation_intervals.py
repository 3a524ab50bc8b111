"""Intervals: Wilson, the design effect of objects, the bootstrap on sums, and how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.bootstrap import UNITS, percentile, replicates, resampling, weights
from core.evaluation.estimate import Estimate, undefined
from core.evaluation.intervals import CLUSTERED, clusters, effective_size, proportions, wilson


def one(hit: list[int], objects: list[int]) -> Estimate:
    hits, group = np.array(hit, dtype=float), np.array(objects)
    between = clusters(group, np.zeros(len(hits), dtype=np.int64), hits, np.ones(len(hits)), 1)
    return proportions(np.array([hits.sum()]), np.array([float(len(hits))]), between)[0]


def test_wilson_of_the_report() -> None:
    low, high = wilson(49, 53)
    assert (round(float(low), 4), round(float(high), 4)) == (0.8214, 0.9703)
    assert np.isnan(wilson(0, 0)[0])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=60))
def test_clustered_interval_holds_the_wilson_interval(rows: list[tuple[int, int]]) -> None:
    hit, objects = [r[0] for r in rows], [r[1] for r in rows]
    estimate = one(hit, objects)
    low, high = wilson(sum(hit), len(hit))
    assert estimate.low <= low + 1e-12 and estimate.high >= high - 1e-12
    assert estimate.instances == len(set(objects)) and estimate.method == CLUSTERED
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_objects_that_fail_as_a_whole_count_once() -> None:
    together = one([1] * 30 + [0] * 10, [i // 5 for i in range(40)])
    scattered = one([1, 1, 1, 0] * 10, [i // 4 for i in range(40)])
    assert together.width > 1.7 * scattered.width


def test_effective_size_lies_between_objects_and_images() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        hits, group = (random.random(40) < 0.8).astype(float), random.integers(0, 10, 40)
        between = clusters(group, np.zeros(40, dtype=np.int64), hits, np.ones(40), 1)
        size = effective_size(np.array([hits.mean()]), np.array([40.0]), between)
        assert size[0] <= 40
        assert between.kish[0] <= between.objects[0] == len(set(group.tolist()))


def test_many_proportions_at_once_equal_one_at_a_time() -> None:
    random = np.random.default_rng(1)
    group, column = random.integers(0, 12, 200), random.integers(0, 4, 200)
    hit = (random.random(200) < 0.7).astype(float)
    counts = np.bincount(column, minlength=4).astype(float)
    together = proportions(np.bincount(column, hit, 4), counts, clusters(group, column, hit, np.ones(200), 4))
    for k in range(4):
        mine = column == k
        alone = one(hit[mine].astype(int).tolist(), group[mine].tolist())
        assert (together[k].low, together[k].high) == pytest.approx((alone.low, alone.high))


@pytest.mark.parametrize(("n", "objects"), [(53, 53), (53, 11), (100, 20), (1000, 200)])
def test_intervals_cover(n: int, objects: int) -> None:
    """400 draws at accuracy 0.85 with an intra-object correlation of 0.2: a binomial of 0.95 leaves 0.92 ..
    0.98."""
    random = np.random.default_rng(n + objects)
    group = np.sort(np.r_[np.arange(objects), random.integers(0, objects, n - objects)])
    a, b = 0.85 * 4, 0.15 * 4
    covered = 0
    for _ in range(400):
        rate = random.beta(a, b, objects) if objects < n else np.full(objects, 0.85)
        hit = (random.random(n) < rate[group]).astype(int)
        estimate = one(hit.tolist(), group.tolist())
        covered += estimate.low <= 0.85 <= estimate.high
    assert 0.92 <= covered / 400 <= 0.99


def test_bootstrap_by_object_is_wider_where_objects_fail_together() -> None:
    score = np.repeat(np.random.default_rng(2).random(20), 5)
    by_object, by_image = resampling(np.repeat(np.arange(20), 5), 100), resampling(None, 100)

    def width(units) -> float:
        sums = units.sums(np.stack([score, np.ones(100)], axis=1))
        low, high = percentile(replicates(sums, lambda s: s[:, 0] / s[:, 1]), units.units)
        return high - low

    assert width(by_object) > 1.8 * width(by_image)


def test_bootstrap_agrees_with_the_standard_error_of_a_mean() -> None:
    score = np.random.default_rng(2).normal(size=5000)
    units = resampling(None, 5000)
    assert (units.units, units.objects) == (UNITS, 5000)
    found = replicates(units.sums(np.stack([score, np.ones(5000)], axis=1)), lambda s: s[:, 0] / s[:, 1])
    assert found.std() == pytest.approx(score.std() / math.sqrt(5000), rel=0.1)


def test_weights_draw_as_many_units_as_there_are() -> None:
    assert (weights(7).sum(axis=1) == 7).all()
    assert not weights(7).flags.writeable


def test_estimate_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="cannot have the value"):
        Estimate(math.nan, 0.0, 1.0, 5, None, "Wilson")
    with pytest.raises(ValueError, match="does not lie"):
        Estimate(0.5, 0.6, 0.7, 5, None, "Wilson")


def test_estimate_speaks() -> None:
    estimate = Estimate(49 / 53, 0.8214, 0.9703, 53, 11, "Wilson")
    assert estimate.text() == "92.5 % (82.1 – 97.0)"
    assert estimate.text(percent=False) == "0.925 (0.821 – 0.970)"
    assert estimate.support() == "53 images of 11 objects"
    assert Estimate(1.0, 0.2, 1.0, 1, 1, "Wilson").support() == "1 image of 1 object"
    assert undefined().text() == "–"
    assert undefined().to_json()["value"] is None
    assert Estimate(0.3, math.nan, math.nan, 4, 1, "none").text(False) == "0.300 (no interval)"
