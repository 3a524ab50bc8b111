"""The Mistakes page: what is counted, ranked and grouped, and what is said when nothing is wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from core.data import open_dataset
from core.evaluation import outcomes, pairs, rank_mistakes
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place

PAGE = "pages/3_Mistakes.py"


def expected(place: Place, checkpoint: str, task: str, split: str) -> tuple[Any, np.ndarray]:
    settings = Settings.from_environment(place.environment)
    dataset = open_dataset(place.data, cache=place.cache)
    predictions = FeatureStore(place.cache).predictions(dataset, find_checkpoint(settings, checkpoint))
    return outcomes(dataset, predictions, task), dataset.split_mask(split)


def cards(app: Any) -> list[dict[str, Any]]:
    found = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    return next(data["cards"] for data in found if "cards" in data)


def opened(app: Any, **query: str) -> Any:
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def test_mistakes_are_counted_and_the_surest_comes_first(at_home: Any, place: Place) -> None:
    app = opened(at_home, model="synthetic-2", split="all")
    found, mask = expected(place, "synthetic-2", "class", "all")
    ranked = rank_mistakes(found, mask)
    assert app.metric[0].value == f"{len(ranked):,}"
    assert "(" in app.metric[1].value and "–" in app.metric[1].value  # never a bare share
    shown = cards(app)
    assert len(shown) == min(24, len(ranked))
    assert [card["confidence"] for card in shown] == sorted((c["confidence"] for c in shown), reverse=True)
    assert shown[0]["prediction"] == found.labels[found.prediction[ranked[0]]]
    assert all(card["outcome"] == "wrong" and card["truth"] != card["prediction"] for card in shown)


@pytest.mark.parametrize("by", ["loss", "margin", "entropy"])
def test_ranking_follows_the_choice_and_the_link(at_home: Any, place: Place, by: str) -> None:
    app = opened(at_home, model="synthetic-2", split="all", rank=by)
    found, mask = expected(place, "synthetic-2", "class", "all")
    first = rank_mistakes(found, mask, by)[0]
    assert cards(app)[0]["note"] == f"{by} {getattr(found, by)[first]:.2f}"
    assert app.query_params["rank"] == by


def test_a_pair_narrows_the_gallery(at_home: Any, place: Place) -> None:
    found, mask = expected(place, "synthetic-2", "class", "all")
    largest = pairs(found, mask)[0]
    app = opened(at_home, model="synthetic-2", split="all", pair=f"{largest.truth} → {largest.prediction}")
    shown = cards(app)
    assert len(shown) == min(24, largest.n)
    assert {(card["truth"], card["prediction"]) for card in shown} == {(largest.truth, largest.prediction)}


def test_unknown_pair_and_ranking_in_a_link_are_left_out(at_home: Any) -> None:
    app = opened(at_home, model="synthetic-2", split="all", pair="<b>x</b> → y", rank="__class__")
    assert "pair" not in app.query_params and "rank" not in app.query_params
    assert cards(app)


def test_no_mistakes_still_gives_the_bound(at_home: Any) -> None:
    app = opened(at_home, split="test", outcome="right")
    assert "No mistakes on" in app.success[0].value
    assert any("still allows an error rate of up to" in text.value for text in app.markdown)


def test_nothing_scored_is_said(at_home: Any) -> None:
    app = opened(at_home, q="no caption holds this")
    assert "none can be wrong" in app.info[0].value
