"""The Compare page: figures and evidence of two checkpoints, galleries, and one checkpoint alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import open_dataset
from core.evaluation import Outcomes, outcomes
from core.evaluation.comparison import Comparison, compare
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place

NAMES = ("synthetic-2", "synthetic-1")


@pytest.fixture
def heads(place: Place) -> dict[str, Outcomes]:
    """The primary head of both checkpoints."""
    dataset = open_dataset(place.data, cache=place.cache)
    settings, store = Settings.from_environment(place.environment), FeatureStore(place.cache)
    return {
        name: outcomes(
            dataset,
            store.predictions(dataset, find_checkpoint(settings, name)),
            dataset.taxonomy.primary.name,
        )
        for name in NAMES
    }


@pytest.fixture
def pair(heads: dict[str, Outcomes]) -> Comparison:
    return compare(heads, np.ones(len(heads[NAMES[0]]), dtype=bool))[0]


def opened(app: Any, **query: str) -> Any:
    query = {"model": NAMES[0], "split": "all", **query}
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("pages/7_Compare.py").run()
    assert not app.exception
    assert not app.error
    return app


def table(app: Any, column: str) -> Any:
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def test_the_pair_is_what_the_statistics_say(at_home: Any, pair: Comparison) -> None:
    row = table(opened(at_home), "Only A right").iloc[0]
    assert (row["A"], row["B"]) == NAMES
    assert row["Difference"] == pytest.approx(100 * pair.difference.value)
    assert (row["Only A right"], row["Only B right"]) == (pair.counts.only_a, pair.counts.only_b)
    assert row["p"] == pytest.approx(pair.p)
    assert row["Detectable"] == pytest.approx(100 * pair.detectable)
    assert table(opened(at_home), "In words").iloc[0]["In words"] == pair.sentence


def test_a_sentence_to_quote_is_on_the_page(at_home: Any, pair: Comparison) -> None:
    shown = "\n".join(text.value for text in opened(at_home).markdown).replace("\\", "")
    assert pair.sentence in shown


def test_every_head_of_every_checkpoint_has_figures_with_intervals(at_home: Any, place: Place) -> None:
    tasks = open_dataset(place.data, cache=place.cache).taxonomy.names
    figures = table(opened(at_home), "Log-loss, 95 %")
    assert sorted(zip(figures["Checkpoint"], figures["Head"], strict=True)) == sorted(
        (name, task) for name in NAMES for task in tasks
    )
    for column in ("Accuracy, 95 %", "Macro F1, 95 %", "Log-loss, 95 %", "ECE, 95 %"):
        assert (figures[column] != "").all()
    costs = table(at_home, "Parameters (million)")
    assert (costs["File (MB)"] > 1).all()


def test_galleries_count_who_alone_is_right(at_home: Any, pair: Comparison) -> None:
    labels = [tab.label.replace("\\", "") for tab in opened(at_home).tabs]
    assert f"Only {NAMES[0]} right · {pair.counts.only_a}" in labels
    assert f"Only {NAMES[1]} right · {pair.counts.only_b}" in labels


def test_filters_by_the_answers_of_one_are_left_out(at_home: Any, pair: Comparison) -> None:
    app = opened(at_home, outcome="wrong")
    assert table(app, "Only A right").iloc[0]["Only B right"] == pair.counts.only_b
    assert any("not be fair" in caption.value for caption in app.caption)


def test_the_link_names_the_members(at_home: Any) -> None:
    app = opened(at_home)
    assert app.query_params["with"] == ",".join(NAMES)
    app.multiselect(key="compare.members").set_value([NAMES[1]]).run()
    assert not app.exception
    assert any("Choose two or more" in info.value for info in app.info)


def test_the_pairs_say_what_would_decide_and_which_errors_are_shared(at_home: Any, pair: Comparison) -> None:
    row = table(opened(at_home), "Errors in common").iloc[0]
    bootstrap = next(one for one in pair.difference.alternatives if one.method.startswith("bootstrap"))
    assert row["Bootstrap, 95 %"] == f"{100 * bootstrap.low:.1f} – {100 * bootstrap.high:.1f}"
    assert 0 <= row["Errors in common"] <= 100
    undecided = pair.verdict == "undecided"
    for name, wanted in (("More images", pair.more_images), ("More objects", pair.more_objects)):
        assert (row[name] == wanted) if undecided and wanted is not None else row[name] != row[name]


def test_the_ensemble_is_judged_on_every_head(at_home: Any, place: Place) -> None:
    app = opened(at_home)
    tasks = list(open_dataset(place.data, cache=place.cache).taxonomy.names)
    found = table(app, "Best member")
    assert list(found["Head"]) == tasks
    assert set(found["Best member"]) <= set(NAMES)
    assert all("50%" in weights for weights in found["Weights"])
    assert any("It runs every member" in caption.value for caption in app.caption)
    app.multiselect(key="compare.ensemble.members").set_value([NAMES[0]]).run()
    assert any("Choose two or more members" in info.value for info in app.info)


def test_with_one_checkpoint_the_page_says_how_to_get_another(
    at_home: Any, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = replace(place, checkpoints=tmp_path / "checkpoints")
    shutil.copytree(place.checkpoints / NAMES[0], alone.checkpoints / NAMES[0])
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(alone.checkpoints))
    app = opened(at_home)
    assert [heading.value for heading in app.subheader] == ["There is one checkpoint only"]
    assert "python -m training quick" in app.code[0].value
    assert not app.dataframe
