"""The Calibration page: figures with intervals, the diagram, and the threshold tool."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import open_dataset
from core.evaluation import Outcomes, outcomes
from core.evaluation.calibration import calibration
from core.evaluation.coverage import answer_from, coverage_curve
from core.figures.calibration import coverage_figure, reliability_figure
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place


@pytest.fixture
def head(place: Place) -> Outcomes:
    """The primary head of the second checkpoint."""
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    predictions = FeatureStore(place.cache).predictions(dataset, checkpoint)
    return outcomes(dataset, predictions, dataset.taxonomy.primary.name)


def opened(app: Any, **query: str) -> Any:
    query = {"model": "synthetic-2", "split": "all", **query}
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("pages/8_Calibration.py").run()
    assert not app.exception
    assert not app.error
    return app


def test_figures_the_threshold_and_its_link(at_home: Any, head: Outcomes) -> None:
    every = np.ones(len(head), dtype=bool)
    found = calibration(head, every)
    app = opened(at_home, outcome="wrong", t="60")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["ECE"] == f"{100 * found.ece.value:.1f} %"
    assert shown["Brier score"] == f"{found.brier.value:.3f}"
    assert shown["Accuracy"] == f"{100 * found.accuracy.value:.1f} %"

    assert app.slider(key="threshold").value == pytest.approx(0.6)
    app.slider(key="threshold").set_value(0.95).run()
    assert not app.exception
    expected = answer_from(head, every, 0.95)
    said = "\n".join(text.value for text in app.markdown)
    assert f"covers {100 * expected.coverage.value:.1f} %" in said
    assert f"accuracy {100 * expected.accuracy.value:.1f} %" in said
    assert app.query_params["t"] == "95"


@pytest.fixture
def own_checkpoints(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_home: Any) -> Path:
    """Checkpoints whose cards a test may change."""
    copied = Path(shutil.copytree(place.checkpoints, tmp_path / "checkpoints"))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(copied))
    return copied


def test_the_button_fits_temperatures_that_the_page_then_uses(
    at_home: Any, place: Place, own_checkpoints: Path
) -> None:
    app = opened(at_home)
    before = {metric.label: metric.value for metric in app.metric}
    app.button(key="temperature.fit").click().run()
    assert not app.exception and not app.error
    card = find_checkpoint(Settings(place.data, place.cache, (own_checkpoints,)), "synthetic-2").card
    assert card.calibration is not None and card.calibration.split == "val"
    assert not [button for button in app.button if button.key == "temperature.fit"]
    used = card.temperature[next(iter(card.taxonomy))]
    assert any(f"**{used:.2f}**" in text.value for text in app.markdown)
    after = {metric.label: metric.value for metric in app.metric}
    assert after["Mean confidence"] != before["Mean confidence"] and after["Accuracy"] == before["Accuracy"]


def test_a_read_only_dashboard_fits_nothing(
    at_home: Any, own_checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app = opened(at_home)
    assert not [button for button in app.button if button.key == "temperature.fit"]
    assert any("core calibrate" in text.value for text in app.caption)


def test_without_labelled_images_the_page_says_so(at_home: Any) -> None:
    app = opened(at_home, q="no such caption")
    assert any("Widen the filters" in info.value for info in app.info)
    assert not app.metric


def test_the_diagram_shows_every_bin_with_its_interval(head: Outcomes) -> None:
    found = calibration(head, np.ones(len(head), dtype=bool))
    marks = reliability_figure(found).data[1]
    assert list(marks.x) == pytest.approx([100 * each.confidence for each in found.bins])
    assert list(marks.y) == pytest.approx([100 * each.accuracy.value for each in found.bins])
    below = np.array(marks.y) - np.array(marks.error_y.arrayminus)
    assert list(below) == pytest.approx([100 * each.accuracy.low for each in found.bins])


def test_the_chosen_threshold_is_on_the_curve(head: Outcomes) -> None:
    every = np.ones(len(head), dtype=bool)
    curve = coverage_curve(head, every)
    middle = float(curve.thresholds[len(curve.thresholds) // 2])
    _, line, mark = coverage_figure(curve, answer_from(head, every, middle)).data
    assert mark.x[0] in np.asarray(line.x)
    nothing = replace(answer_from(head, every, 1.0), answered=0)
    assert len(coverage_figure(curve, nothing).data) == 2
