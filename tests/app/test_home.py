"""The overview: what is loaded, the scoreboard's figures, findings with working links, the data report."""

from __future__ import annotations

from typing import Any

import pytest

from core.data import open_dataset
from core.evaluation import outcomes, scores
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place


def html(app: Any) -> str:
    return "\n".join(str(element.value) for element in app.get("html"))


def test_what_is_loaded_is_counted(at_home: Any, place: Place) -> None:
    at_home.run()
    dataset = open_dataset(place.data, cache=place.cache)
    facts = {metric.label: metric.value for metric in at_home.metric}
    assert facts["Images"] == f"{len(dataset):,}"
    assert facts["Heads"] == str(len(dataset.taxonomy.tasks))
    assert facts["Rows left out"] == str(dataset.report.quarantined)
    assert any(f"train {(dataset.table['split'] == 'train').sum():,}" in c.value for c in at_home.caption)


def test_the_scoreboard_shows_every_head_of_every_checkpoint_with_intervals(
    at_home: Any, place: Place
) -> None:
    at_home.run()
    board = html(at_home)
    dataset = open_dataset(place.data, cache=place.cache)
    settings = Settings.from_environment(place.environment)
    for name in ("synthetic-1", "synthetic-2"):
        predictions = FeatureStore(place.cache).predictions(dataset, find_checkpoint(settings, name))
        assert name in board
        for task in dataset.taxonomy.names:
            estimate = scores(outcomes(dataset, predictions, task), dataset.split_mask("test")).accuracy
            assert estimate.text() in board


def test_the_scoreboard_follows_the_split(at_home: Any) -> None:
    at_home.run()
    before = html(at_home)
    at_home.query_params["split"] = "train"
    at_home.run()
    assert html(at_home) != before


def test_findings_come_with_evidence_and_links(at_home: Any) -> None:
    at_home.query_params["split"] = "all"
    at_home.run()
    text = "\n".join(str(element.value) for element in at_home.markdown)
    assert "is taken for" in text
    links = at_home.get("page_link")
    assert len(links) >= 3
    assert all("data=" in link.proto.query_string for link in links if hasattr(link.proto, "query_string"))


def test_a_report_is_offered_unless_the_dashboard_is_read_only(
    at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home.run()
    assert at_home.button(key="report.build").label == "Build the report"
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    at_home.run()
    assert not [button for button in at_home.button if button.key == "report.build"]
    assert any("read-only" in info.value for info in at_home.info)
