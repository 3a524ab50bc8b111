"""The Retrieval page: what is found and why, what is said when nothing is, and the scoreboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.data import open_dataset
from core.models import find_checkpoint
from core.retrieval import Playground, Source
from core.retrieval.clip import Clip, ClipStore, search_clip
from core.retrieval.scoreboard import scoreboard
from core.settings import Settings
from core.store import FeatureStore
from pages.ui.retrieval_board import NAMES
from tests.clip_case import clip_model
from tests.dashboard import Place

PAGE = "pages/5_Retrieval.py"


def ground(place: Place, *names: str) -> Playground:
    settings = Settings.from_environment(place.environment)
    dataset = open_dataset(place.data, cache=place.cache)
    store = FeatureStore(place.cache)
    found = [store.predictions(dataset, find_checkpoint(settings, name)) for name in names]
    return Playground(dataset, [Source(predictions) for predictions in found])


def galleries(app: Any) -> list[list[dict[str, Any]]]:
    found = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    return [data["cards"] for data in found if "cards" in data]


def opened(app: Any, **query: str) -> Any:
    app.run()
    for key, value in {"model": "synthetic-2", "split": "all", **query}.items():
        app.query_params[key] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    assert not app.error
    return app


def query_for(place: Place) -> str:
    """A query that some image answers: two labels of one row."""
    dataset = open_dataset(place.data, cache=place.cache)
    primary, other = dataset.taxonomy.names[:2]
    row = dataset.table.dropna(subset=[primary, other]).iloc[0]
    return f"{row[other]} {row[primary]}"


def ids(place: Place, rows: tuple[int, ...]) -> list[str]:
    table = open_dataset(place.data, cache=place.cache).table
    return [str(table["image_id"].iat[row]) for row in rows]


def test_without_a_query_it_says_what_to_do_and_offers_examples(at_home: Any) -> None:
    app = opened(at_home)
    assert "Type what to look for" in app.info[0].value
    tries = [button for button in app.button if str(button.key).startswith("retrieval-example")]
    assert len(tries) >= 3
    tries[0].click().run()
    assert app.query_params["text"]
    assert galleries(app)[0]
    assert any("truly match" in text.value for text in app.markdown)


def test_hits_are_the_librarys_with_reasons(at_home: Any, place: Place) -> None:
    text = query_for(place)
    app = opened(at_home, text=text)
    expected = ground(place, "synthetic-2").by_text(text, k=24)
    cards = galleries(app)[0]
    assert [card["id"] for card in cards] == ids(place, expected.rows)
    first, hit = cards[0]["note"].split("\n"), expected.hits[0]
    assert first[0].startswith("#1") and len(first) == 1 + len(hit.evidence)
    assert f"{hit.evidence[0].probability:.2f}" in first[1]
    for found, card in zip(expected.hits, cards, strict=True):
        for item, line in zip(found.evidence, card["note"].split("\n")[1:], strict=True):
            assert line.endswith(f", says {item.predicted}") is (item.predicted != item.label)


def test_the_headline_says_how_many_images_would_have_been_right(at_home: Any, place: Place) -> None:
    from core.retrieval.truth import fitting

    text = query_for(place)
    app = opened(at_home, text=text)
    searched = ground(place, "synthetic-2")
    right = int(fitting(searched.dataset, searched.parse(text).terms)[0].sum())
    assert right
    assert any(f"{right:,} of all {len(searched.dataset)} images do" in m.value for m in app.markdown)


def test_the_words_that_mean_something_are_listed(at_home: Any, place: Place) -> None:
    app = opened(at_home)
    said = " ".join(text.value for text in app.markdown).replace("\\", "")
    for task in open_dataset(place.data, cache=place.cache).taxonomy.tasks:
        assert f"**{task.name}**" in said and all(label in said for label in task.labels)


def test_typing_puts_the_query_into_the_link(at_home: Any) -> None:
    app = opened(at_home)
    app.text_input(key="retrieval-text").set_value("not large").run()
    assert app.query_params["text"] == "not large"
    app.text_input(key="retrieval-text").set_value("").run()
    assert "text" not in app.query_params


def test_tfidf_and_its_link(at_home: Any, place: Place) -> None:
    text = query_for(place)
    app = opened(at_home, text=text, method="tfidf")
    expected = ground(place, "synthetic-2").by_text(text, k=24, method="tfidf")
    assert [card["id"] for card in galleries(app)[0]] == ids(place, expected.rows)


def test_unknown_words_are_named_and_nothing_is_shown(at_home: Any) -> None:
    app = opened(at_home, text="zeppelin")
    assert any("no label for 'zeppelin'" in text.value.replace("\\", "") for text in app.markdown)
    assert "nothing to rank by" in app.warning[0].value
    assert not galleries(app)


def test_hostile_text_stays_text(at_home: Any) -> None:
    app = opened(at_home, text="<script>alert(1)</script> $x$ [a](javascript:b) :red[c]", method="__class__")
    shown = " ".join(text.value for text in app.markdown)
    assert "<script>" not in shown and "](javascript" not in shown


def test_side_by_side_marks_the_ranks_that_differ(at_home: Any, place: Place) -> None:
    text = query_for(place)
    app = opened(at_home, text=text, models="beside", other="synthetic-1")
    left, right = galleries(app)
    one = ground(place, "synthetic-2").by_text(text, k=60)
    two = ground(place, "synthetic-1").by_text(text, k=60)
    assert [card["id"] for card in left] == ids(place, one.rows[:12])
    assert [card["id"] for card in right] == ids(place, two.rows[:12])
    there = {row: place + 1 for place, row in enumerate(two.rows)}
    for hit, card in zip(one.hits, left, strict=False):
        line = card["note"].split("\n")[0]
        if hit.row not in there:
            assert "not in the other" in line
        elif there[hit.row] == hit.rank:
            assert line.endswith("=")
        else:
            mark = "▲" if there[hit.row] > hit.rank else "▼"
            assert line.endswith(f"{mark} {abs(there[hit.row] - hit.rank)}")


def test_together_averages_the_checkpoints(at_home: Any, place: Place) -> None:
    text = query_for(place)
    app = opened(at_home, text=text, models="together")
    expected = ground(place, "synthetic-2", "synthetic-1").by_text(text, k=24)
    assert [card["id"] for card in galleries(app)[0]] == ids(place, expected.rows)


def test_every_reason_as_a_table(at_home: Any, place: Place) -> None:
    app = opened(at_home, text=query_for(place), why="yes")
    table = app.dataframe[0].value
    assert {"Rank", "Word", "Head", "Probability", "Truth", "Truth agrees"} <= set(table.columns)
    assert set(table["Truth agrees"]) <= {"yes", "no", "not known"}


def test_search_by_an_image_of_the_data_set(at_home: Any, place: Place) -> None:
    searched = ground(place, "synthetic-2")
    image_id = ids(place, (5,))[0]
    app = opened(at_home, mode="image", like=image_id)
    from core.retrieval import ImageOptions

    expected = searched.by_image(searched.picture(5), k=24, options=ImageOptions(hide_same=True))
    cards = galleries(app)[-1]
    assert [card["id"] for card in cards] == ids(place, expected.rows)
    assert image_id not in {card["id"] for card in cards}
    app.text_input(key="retrieval-image-words").set_value("not large").run()
    assert any("text \\+ image" in text.value for text in app.markdown)


def test_an_unknown_image_in_a_link_is_left_out(at_home: Any) -> None:
    app = opened(at_home, mode="image", like="nothing")
    assert "like" not in app.query_params
    assert "Upload a photograph" in app.info[0].value


def test_an_empty_selection_is_said(at_home: Any) -> None:
    app = opened(at_home, q="no caption holds this", text="red")
    assert "nothing to search" in app.info[0].value


def test_scoreboard_shows_the_librarys_figures(at_home: Any, place: Place) -> None:
    app = opened(at_home, mode="board", split="test")
    searched = ground(place, "synthetic-2")
    board = scoreboard(searched.dataset, [searched.sources[0].predictions], "test")
    page = " ".join(str(element.proto.body) for element in app.get("html"))
    for line in board.lines[:5]:
        assert line.map.text(percent=False) in page
    said = " ".join(text.value for text in app.markdown).replace("\\", "")
    told = [found for found in board.comparisons if found.b.method == "tfidf"]
    assert told[0].text(lambda who: NAMES[who.method]) in said
    assert told[0].text(lambda who: NAMES[who.method]).split(":")[0] == "Probability-weighted beats TF-IDF"
    assert app.get("plotly_chart")
    worst = app.dataframe[0].value
    assert worst["Query"].iat[0] == board.queries("synthetic-2", "probability")[0].query.text
    assert worst["Average precision"].is_monotonic_increasing


def test_a_type_of_query_narrows_the_scoreboard(at_home: Any, place: Place) -> None:
    primary = open_dataset(place.data, cache=place.cache).taxonomy.primary.name
    app = opened(at_home, mode="board", split="test", kind=primary)
    assert app.selectbox(key="choice.kind").value == primary


def test_clip_is_offered_only_where_a_model_is_named(
    at_home: Any, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = next(box for box in opened(at_home).button_group if "Probability-weighted" in box.options)
    assert "CLIP" not in methods.options
    folder = clip_model(tmp_path, monkeypatch)
    app = opened(at_home, method="clip", text="something red")
    assert any("CLIP has not looked at" in caption.value for caption in app.caption)
    assert any(button.label == "Let CLIP look at them" for button in app.button)
    dataset, clip = open_dataset(place.data, cache=place.cache), Clip(folder)
    store = ClipStore(place.cache, clip.hash)
    store.index(dataset, clip)
    found = search_clip(store.vectors(dataset), clip, "something red", k=24)
    box = next(one for one in app.text_input if one.label == "Search")
    shown = galleries(app := box.set_value("something red").run())[0]
    assert not any("CLIP has not looked at" in caption.value for caption in app.caption)
    assert [card["id"] for card in shown] == ids(place, found.rows)[: len(shown)]


def test_a_clip_folder_without_weights_is_told(
    at_home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_CLIP", str(tmp_path))
    app = at_home
    app.run()
    app.query_params["method"] = "clip"
    app.switch_page(PAGE).run()
    assert not app.exception
    assert any("CLIP weights are not there" in error.value for error in app.error)


def test_an_index_is_offered_where_images_are_many_and_used_once_it_is_there(
    at_home: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.retrieval.vectors.EXACT_ROWS", 100)
    dataset = open_dataset(place.data, cache=place.cache)
    like = str(dataset.table["image_id"].iat[0])

    def offers(app: Any) -> bool:
        return any(button.label == "Make the index" for button in app.button)

    def has_switch(app: Any) -> bool:
        return any("Exact search" in str(element.label) for element in (*app.toggle, *app.checkbox))

    app = opened(at_home, mode="image", like=like)
    assert offers(app) and not has_switch(app) and galleries(app)
    assert main(["search-index", "--data", str(place.data), "--checkpoint", "synthetic-2", "--json"]) == 0
    app.run()
    assert not offers(app) and has_switch(app) and galleries(app)
    for file in (place.cache / "retrieval").glob("*"):
        file.unlink()
