"""The costs on the Compare page: measured or not, the plot, other forms, the report's claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.measure import Measurement
from core.models import Checkpoint, find_checkpoint
from core.settings import Settings
from pages.ui import work
from tests.costs import HARDWARE, measured
from tests.dashboard import Place, open_page

NAMES = ("synthetic-2", "synthetic-1")
PAGE = "pages/7_Compare.py"


@pytest.fixture
def checkpoints(place: Place) -> list[Checkpoint]:
    settings = Settings.from_environment(place.environment)
    return [find_checkpoint(settings, name) for name in NAMES]


@pytest.fixture
def costs(place: Place, checkpoints: list[Checkpoint]) -> Iterator[list[Measurement]]:
    with measured(checkpoints, place.cache) as made:
        yield made


def table(app: Any, column: str) -> Any:
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def shown(app: Any) -> str:
    return "\n".join(text.value for text in [*app.markdown, *app.caption]).replace("\\", "")


def test_before_measuring_the_page_says_so_and_offers_to(
    at_home: Any, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(work, "start", lambda key, title, argv: started.append(tuple(argv)))
    app = open_page(at_home, PAGE)
    assert "has not been measured on this machine yet" in shown(app)
    assert list(table(app, "Run by")["Run by"]) == ["–", "–"]
    next(button for button in app.button if button.label == "Measure on this machine").click().run()
    assert not app.exception
    paths = [str(checkpoint.path) for checkpoint in checkpoints]
    assert started and started[0][:3] == ("-m", "core", "measure") and list(started[0][-2:]) == paths


def test_measured_costs_stand_beside_the_accuracy(at_home: Any, costs: list[Measurement]) -> None:
    app = open_page(at_home, PAGE)
    found = table(app, "Run by")
    assert list(zip(found["Checkpoint"], found["Run by"], strict=True)) == [
        (name, way) for name in NAMES for way in ("torch f32", "openvino f32")
    ]
    assert list(found["Median, batch 1 (ms)"]) == [20, 10, 30, 15]
    assert list(found["p95, batch 8 (ms)"]) == [140, 70, 210, 105]
    assert (found["GFLOP"] == 1.25).all() and (found["Memory (MB)"] > 250).all()
    assert (found["Accuracy, 95 %"] != "").all()
    text = shown(app)
    assert HARDWARE in text and "no bf16" in text


def test_the_plot_marks_the_front_and_its_axis_is_in_the_link(at_home: Any, costs: list[Measurement]) -> None:
    app = open_page(at_home, PAGE, cost="latency8")
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    marks = next(
        spec["data"][1] for spec in specs if "batches of 8" in str(spec["layout"]["xaxis"].get("title"))
    )
    assert len(marks["text"]) == 4 and f"{NAMES[0]} · openvino f32" in marks["text"]
    assert "circle" in marks["marker"]["symbol"]


def test_claims_of_the_report_are_marked_as_claims(at_home: Any, costs: list[Measurement]) -> None:
    app = open_page(at_home, PAGE)
    found = table(app, "The report claims")
    assert set(found["Backbone"]) == {"deit_tiny_patch16_224", "mobilevit_xxs"}
    assert set(found["Verdict"]) <= {"supported", "not supported", "cannot be told", "not measured"}
    assert "Claims are not ours" in shown(app)


def test_a_form_is_exported_by_a_command(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(work, "start", lambda key, title, argv: started.append(tuple(argv)))
    app = open_page(at_home, PAGE)
    app.selectbox(key="compare.export.target").set_value("onnx").run()
    next(button for button in app.button if button.label == "Export").click().run()
    assert not app.exception
    assert started and started[0][2] == "export" and "onnx" in started[0]


def test_a_read_only_dashboard_offers_nothing(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app = open_page(at_home, PAGE)
    assert not [button for button in app.button if button.label in ("Export", "Measure on this machine")]
    assert "read-only" in shown(app)
