"""Figures as data: what stands in a matrix's cells, what a bar and a curve show."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.evaluation import class_report, confusion, from_probabilities, threshold_curve
from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import Outcomes
from core.figures.classes import class_bars
from core.figures.comparison import answers_figure
from core.figures.matrix import DENOMINATORS, matrix_csv, matrix_figure
from core.figures.retrieval import types_figure
from core.figures.style import STYLES
from core.figures.thresholds import threshold_figure


def head(labels: tuple[str, ...], n: int, seed: int = 0, missing: int = 0) -> Outcomes:
    random = np.random.default_rng(seed)
    truth = random.integers(0, len(labels), n).astype(np.int32)
    logits = random.normal(size=(n, len(labels))) + 2 * np.eye(len(labels))[truth]
    probabilities = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    present = np.arange(n) >= missing
    return from_probabilities("task", labels, truth, probabilities, present, np.arange(n) // 3)


LABELS = ("a", "b", "=c", "d")


@pytest.fixture
def outcomes() -> Outcomes:
    return head(LABELS, 120, missing=5)


@pytest.mark.parametrize("order", ["label", "error", "similarity"])
@pytest.mark.parametrize("by", list(DENOMINATORS))
def test_cells_hold_the_matrix_in_any_order(outcomes: Outcomes, by, order) -> None:  # type: ignore[no-untyped-def]
    found = confusion(outcomes, np.ones(len(outcomes), bool))
    figure = matrix_figure(found, by, order)
    table = np.zeros_like(found.counts)
    table[figure.rows[figure.cells[:, 0]], figure.columns[figure.cells[:, 1]]] = figure.cells[:, 2]
    assert (table == found.counts).all()
    wanted = found.normalised(by)[figure.rows[figure.cells[:, 0]], figure.columns[figure.cells[:, 1]]]
    assert figure.values == pytest.approx(wanted)
    assert figure.columns[-1] == len(LABELS)  # images without a prediction come last
    json.dumps(figure.to_json(), allow_nan=False)


def test_without_missing_predictions_there_is_no_column_for_them() -> None:
    outcomes = head(LABELS, 60)
    figure = matrix_figure(confusion(outcomes, np.ones(60, bool)))
    assert len(figure.columns) == len(LABELS)


@given(size=some.integers(2, 12), n=some.integers(0, 40), seed=some.integers(0, 99))
def test_hiding_empty_labels_hides_no_image(size: int, n: int, seed: int) -> None:
    outcomes = head(tuple(f"l{k}" for k in range(size)), n, seed)
    figure = matrix_figure(confusion(outcomes, np.ones(n, bool)), hide_empty=True)
    assert figure.cells[:, 2].sum() == n
    assert figure.hidden == size - len(figure.rows)
    assert all(figure.row_totals[k] or figure.column_totals[k] for k in range(len(figure.rows)))


@given(most=some.integers(2, 14), seed=some.integers(0, 99))
def test_of_many_labels_the_most_confused_are_kept_and_the_rest_is_counted(most: int, seed: int) -> None:
    outcomes = head(tuple(f"l{k}" for k in range(12)), 60, seed)
    found = confusion(outcomes, np.ones(60, bool))
    figure = matrix_figure(found, "row", "label", most=most)
    assert len(figure.rows) == min(most, 12)
    assert figure.hidden == 12 - len(figure.rows)
    assert figure.cells[:, 2].sum() + figure.hidden_images == 60
    assert figure.row_totals.tolist() == found.counts.sum(axis=1)[figure.rows].tolist()
    worst = next((cell for cell in found.cells() if not cell.right), None)
    assert worst is None or {worst.row, worst.column} <= set(figure.rows.tolist())


def test_csv_has_every_cell_and_no_formula(outcomes: Outcomes) -> None:
    found = confusion(outcomes, np.ones(len(outcomes), bool))
    rows = list(csv.reader(io.StringIO(matrix_csv(matrix_figure(found, "count")))))
    assert rows[0][1:] == ["a", "b", "'=c", "d", "no prediction"]
    assert [[int(cell) for cell in row[1:]] for row in rows[1:]] == found.counts.tolist()


def test_shares_of_an_empty_row_are_left_blank() -> None:
    outcomes = head(("a", "b"), 30)
    rows = np.array(outcomes.truth == 0)
    lines = list(csv.reader(io.StringIO(matrix_csv(matrix_figure(confusion(outcomes, rows), "row")))))
    assert lines[2][1:] == ["", ""]
    assert sum(map(float, lines[1][1:])) == pytest.approx(1)


@pytest.mark.parametrize("mode", list(STYLES))
def test_bars_show_values_and_intervals(outcomes: Outcomes, mode) -> None:  # type: ignore[no-untyped-def]
    report = class_report(outcomes, np.ones(len(outcomes), bool))
    bars = class_bars(report.rows, "recall", mode).data[0]
    assert list(bars.customdata) == list(LABELS)
    for k, row in enumerate(report.rows):
        assert bars.x[k] == pytest.approx(100 * row.recall.value)
        assert bars.x[k] + bars.error_x.array[k] == pytest.approx(100 * row.recall.high)
        assert bars.x[k] - bars.error_x.arrayminus[k] == pytest.approx(100 * row.recall.low)


def test_labels_are_no_markup() -> None:
    outcomes = head(("<b>a</b>", "b & c"), 30)
    figure = class_bars(class_report(outcomes, np.ones(30, bool)).rows, "f1")
    assert all("<b>" not in text for text in (*figure.layout.yaxis.ticktext, *figure.data[0].text))


def test_the_threshold_figure_draws_the_curve(outcomes: Outcomes) -> None:
    curve = threshold_curve(outcomes, np.ones(len(outcomes), bool), "a")
    figure = threshold_figure(curve, "dark")
    assert [line.name for line in figure.data] == ["Precision", "Recall", "F1"]
    assert figure.data[1].y == pytest.approx(100 * curve.recall, abs=1e-3)
    assert figure.layout.shapes[0].x0 == pytest.approx(curve.thresholds[curve.best])


def test_quality_of_search_has_a_row_per_type_and_a_mark_per_ranking() -> None:
    def estimates(*values: float) -> list[Estimate]:
        return [Estimate(v, v - 0.1, v + 0.05, 9, None, "bootstrap") for v in values]

    figure = types_figure(
        ["<b>", "a + b"], {"one": estimates(0.8, 0.6), "two": estimates(0.5, 0.4)}, estimates(0.2, 0.1)
    )
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;", "a + b"]
    assert [trace.name for trace in figure.data] == ["one", "two", "by chance"]
    assert list(figure.data[0].x) == [0.8, 0.6] and list(figure.data[2].x) == [0.2, 0.1]
    assert figure.data[0].error_x.arrayminus == pytest.approx([0.1, 0.1])
    assert figure.data[0].y[0] < figure.data[1].y[0]  # marks of one row do not lie on each other
    assert "0.800 (0.700 – 0.850)" in figure.data[0].text[0]


@pytest.mark.parametrize("mode", list(STYLES))
def test_answers_are_drawn_where_two_agree_and_where_not(mode) -> None:  # type: ignore[no-untyped-def]
    matrix = np.array([[5, 0, 2], [0, 0, 0], [1, 0, 7]])
    figure = answers_figure(("a", "never", "<b>"), matrix, ("first", "second"), mode)
    same, apart = (np.nan_to_num(np.array(layer.z, dtype=float)).tolist() for layer in figure.data)
    assert same == [[5, 0], [0, 7]]
    assert apart == [[0, 2], [1, 0]]
    assert list(figure.layout.xaxis.ticktext) == ["a", "&lt;b&gt;"]
    assert figure.layout.yaxis.title.text == "first says"


def test_of_many_answers_those_that_differ_most_are_kept() -> None:
    matrix = np.diag(np.arange(1, 61))
    matrix[3, 50] = 9
    figure = answers_figure([str(k) for k in range(60)], matrix, ("first", "second"))
    assert len(figure.layout.xaxis.ticktext) == 30
    assert {"3", "50"} <= set(figure.layout.xaxis.ticktext)
