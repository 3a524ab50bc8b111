"""What nothing else beats, and how it is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.evaluation.estimate import Estimate
from core.evaluation.pareto import pareto_front
from core.figures.pareto import pareto_figure

points = some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), min_size=1, max_size=12)


@given(points)
def test_the_front_is_what_nothing_dominates(given_points: list[tuple[int, int]]) -> None:
    cost, worth = zip(*given_points, strict=True)
    front = pareto_front(cost, worth)

    def dominated(i: int) -> bool:
        return any(
            cost[j] <= cost[i] and worth[j] >= worth[i] and (cost[j], worth[j]) != (cost[i], worth[i])
            for j in range(len(cost))
        )

    assert list(front) == [not dominated(i) for i in range(len(cost))]
    assert front.any()


def test_what_is_unknown_is_on_no_front_and_beats_nothing() -> None:
    found = pareto_front([1.0, np.nan, 2.0], [0.5, 0.9, np.nan])
    assert list(found) == [True, False, False]


def accuracy(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.05, 60, 12, "Wilson")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_plot_has_intervals_names_and_the_front(mode) -> None:  # type: ignore[no-untyped-def]
    names = ("small", "slow & <b>", "unknown", "large")
    figure = pareto_figure(
        names, (1.0, 4.0, float("nan"), 2.0), [accuracy(v) for v in (0.7, 0.72, 0.9, 0.8)], "ms", mode
    )
    line, marks = figure.data
    assert list(marks.text) == ["small", "large", "slow &amp; &lt;b&gt;"]
    assert list(marks.marker.symbol) == ["circle", "circle", "circle-open"]
    assert list(line.x) == [1.0, 2.0]
    assert list(marks.textposition) == ["middle right", "middle right", "middle left"]
    assert list(marks.error_y.array) == pytest.approx([5, 5, 5])
    assert list(marks.error_y.arrayminus) == pytest.approx([10, 10, 10])
    assert figure.layout.xaxis.type == "log" and figure.layout.xaxis.title.text == "ms"
    assert "60 images of 12 objects" in marks.hovertext[0]


def test_a_plot_of_nothing_known_is_empty() -> None:
    figure = pareto_figure(("one",), (float("nan"),), [accuracy(0.5)], "ms")
    assert len(figure.data[1].x) == 0
