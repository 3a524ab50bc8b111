"""The gallery by itself: pages, notes, what a card says, and the details behind it."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from tests.dashboard import Place


def script() -> None:
    import numpy as np
    import streamlit as st

    from pages.ui.gallery import gallery
    from pages.ui.state import current_view, select

    select(split="all", checkpoint="synthetic-2", task="class")
    view = current_view()
    rows = np.arange(st.session_state.get("first", 0), st.session_state.get("last", len(view.dataset)))
    gallery(view, rows, key="g", page_size=10, note=lambda row: f"row {row}")


def open_details() -> None:
    import streamlit as st

    from pages.ui.detail import deep_link
    from pages.ui.state import current_view, select

    select(split="all", checkpoint="synthetic-2", task="class")
    view = current_view()
    st.session_state["expected"] = str(view.dataset.table["image_id"].iat[3])
    deep_link(view)


@pytest.fixture
def app(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from streamlit.testing.v1 import AppTest

    monkeypatch.setattr("pages.ui.pictures._served", True)
    return AppTest.from_function(script, default_timeout=60)


@pytest.fixture
def alone(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The details without the app around them: there are no pages to link to."""
    monkeypatch.setattr("pages.ui.detail.locate_link", lambda view, row: None)


def component(app: Any, field: str) -> dict[str, Any]:
    found = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    return next(data for data in found if field in data)


def test_only_one_page_of_cards_travels(app: Any) -> None:
    app.run()
    assert not app.exception
    data = component(app, "cards")
    assert [card["note"] for card in data["cards"]] == [f"row {row}" for row in range(10)]
    assert data["label"] == "Images 1 to 10 of 400"
    assert any("1 – 10 of 400" in caption.value for caption in app.caption)
    assert len(json.dumps(data)) < 10_000


def test_next_page_and_back_to_the_first_for_other_rows(app: Any) -> None:
    app.run()
    pager = next(key for key in app.session_state.to_dict() if str(key).startswith("g-page-"))
    app.session_state[pager] = 40
    app.run()
    assert component(app, "cards")["cards"][-1]["note"] == "row 399"
    app.session_state["first"] = 100
    app.run()
    assert component(app, "cards")["cards"][0]["note"] == "row 100"


def test_few_rows_need_no_pager_and_none_is_said(app: Any) -> None:
    app.session_state["last"] = 4
    app.run()
    assert len(component(app, "cards")["cards"]) == 4 and not app.get("pagination")
    app.session_state["last"] = 0
    app.run()
    assert "No images" in app.caption[0].value and not app.exception


def test_a_card_says_in_words_what_it_shows(app: Any) -> None:
    app.run()
    for card in component(app, "cards")["cards"]:
        assert re.fullmatch(r"/img/[0-9a-f]{64}\.jpg", card["src"])
        assert card["alt"] and card["truth"] in card["says"] and card["prediction"] in card["says"]
        assert card["outcome"] in card["says"]  # not by colour alone
        assert (card["outcome"] == "right") == (card["truth"] == card["prediction"])
        assert 0 < card["confidence"] <= 1


def test_link_opens_the_details_and_a_strange_one_is_dropped(alone: None) -> None:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(open_details, default_timeout=60).run()
    assert not app.exception and not app.get("bidi_component")
    app.query_params["image"] = app.session_state["expected"]
    app.run()
    assert not app.exception
    heads = component(app, "heads")["heads"]
    for head in heads:
        shares = [row["p"] for row in head["rows"][:3]]
        assert shares == sorted(shares, reverse=True) and sum(shares) <= 1.001
        assert sum(row["truth"] for row in head["rows"]) == 1
    near = component(app, "cards")["cards"]
    distances = [float(re.search(r"distance ([\d.]+)", card["note"])[1]) for card in near]  # type: ignore[index]
    assert len(near) == 5 and distances == sorted(distances)
    app.query_params["image"] = "<script>"
    app.run()
    assert not app.exception and "image" not in app.query_params


def test_nearest_images_come_from_the_training_split(alone: None, place: Place) -> None:
    from streamlit.testing.v1 import AppTest

    from core.data import open_dataset

    app = AppTest.from_function(open_details, default_timeout=60).run()
    app.query_params["image"] = app.session_state["expected"]
    app.run()
    table = open_dataset(place.data, cache=place.cache).table.set_index("image_id")
    shown = [card["id"] for card in component(app, "cards")["cards"]]
    assert set(table.loc[shown, "split"].astype(str)) == {"train"}
    assert app.session_state["expected"] not in shown
    assert np.unique(shown).size == 5
