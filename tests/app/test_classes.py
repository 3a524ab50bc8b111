"""The Classes page: the report's figures with intervals, sorting, and one class in depth."""

from __future__ import annotations

from typing import Any

import pytest

from core.data import open_dataset
from core.evaluation import ClassReport, class_report, outcomes
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place, open_page


@pytest.fixture
def report(place: Place) -> ClassReport:
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    predictions = FeatureStore(place.cache).predictions(dataset, checkpoint)
    return class_report(
        outcomes(dataset, predictions, dataset.taxonomy.primary.name), dataset.split_mask("all")
    )


def opened(app: Any, **query: str) -> Any:
    return open_page(app, "pages/2_Classes.py", **query)


def test_headline_figures_come_with_interval_and_support(at_home: Any, report: ClassReport) -> None:
    app = opened(at_home)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Accuracy"] == f"{100 * report.accuracy.value:.1f} %"
    captions = "\n".join(caption.value for caption in app.caption)
    assert f"{100 * report.accuracy.low:.1f} – {100 * report.accuracy.high:.1f}" in captions
    assert f"{report.n:,} images of {report.instances:,} objects" in captions


def test_the_table_has_every_class_worst_first(at_home: Any, report: ClassReport) -> None:
    table = opened(at_home).dataframe[0].value
    assert sorted(table["Label"]) == sorted(row.label for row in report.rows)
    assert table["F1"].is_monotonic_increasing
    by_label = {row.label: row for row in report.rows}
    for label, f1, images in zip(table["Label"], table["F1"], table["Images"], strict=True):
        assert f1 == pytest.approx(100 * by_label[label].f1.value)
        assert images == by_label[label].support
    assert (table["F1 interval"] != "").all()


def test_sorting_by_support(at_home: Any) -> None:
    table = opened(at_home, order="support").dataframe[0].value
    assert table["Images"].is_monotonic_decreasing


def test_a_link_opens_one_class(at_home: Any, report: ClassReport) -> None:
    label = report.rows[-1].label
    app = opened(at_home, **{"class": label})
    assert app.selectbox(key="choice.class").value == label


def test_every_tab_of_a_class_draws(at_home: Any) -> None:
    app = opened(at_home)
    for name in ("Worst and best", "Confused with", "Threshold"):
        app.session_state["depth"] = name
        app.run()
        assert not app.exception
        assert not app.error
