"""Named slices across pages: saved from a filter, from a cell and from the map, chosen, renamed, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data import open_dataset
from core.settings import HOME
from core.slices import read_slices
from pages.ui.explorer_picked import PICKED
from tests.dashboard import Place, open_page


@pytest.fixture(autouse=True)
def clean(place: Place) -> Iterator[None]:
    yield
    for file in (place.saved / "slices").glob("*.json"):
        file.unlink()


def save(app: Any, key: str, name: str) -> None:
    app.text_input(key=f"{key}.name").set_value(name)
    button = next(one for one in app.button if one.form_id == f"{key}.form")
    button.click().run()
    assert not app.exception


def saved(place: Place) -> dict[str, int]:
    return {
        one.name: len(one.images)
        for file in (place.saved / "slices").glob("*.json")
        for one in read_slices(file)
    }


def counter(app: Any) -> str:
    return next(one.value for one in app.get("html") if "status" in str(one.value))


def door(app: Any, **query: str) -> Any:
    """The overview with the sidebar, which pages in these tests lack."""
    for name, value in {"model": "synthetic-2", "split": "all", **query}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_a_slice_of_the_map_filters_every_page_survives_a_restart_and_goes(
    at_home: Any, place: Place
) -> None:
    app = open_page(at_home, "pages/5_Explorer.py")
    fingerprint = open_dataset(place.data, cache=place.cache).fingerprint
    app.session_state[PICKED] = (fingerprint, tuple(range(7)))
    app.run()
    save(app, "slice.picked", "seven ones")
    assert saved(place) == {"seven ones": 7}
    st.cache_resource.clear()  # what a new process starts with
    app = door(AppTest.from_file(str(HOME / "Home.py"), default_timeout=60), slice="seven ones")
    assert app.multiselect(key="vitrine.slices").value == ["seven ones"]
    assert ">7</b>" in counter(app)
    app.text_input(key="vitrine.slices.new.seven ones").set_value("the seven")
    app.button(key="vitrine.slices.rename").click().run()
    assert saved(place) == {"the seven": 7}
    assert ">7</b>" in counter(app)
    app.button(key="vitrine.slices.delete").click().run()
    assert saved(place) == {}
    assert ">400</b>" in counter(app)


def test_a_cell_is_saved(at_home: Any, place: Place) -> None:
    app = open_page(at_home, "pages/1_Confusion.py")
    save(app, "slice.cell", "worst cell")
    assert saved(place)["worst cell"] > 0


def test_filters_are_saved_and_a_name_is_taken_once(at_home: Any, place: Place) -> None:
    app = door(at_home, outcome="wrong")
    save(app, "slice.filters", "wrong")
    held = saved(place)
    assert f">{held['wrong']}</b>" in counter(app)
    save(app, "slice.filters", "WRONG")
    assert any("already" in error.value for error in app.error)
    assert saved(place) == held


def test_a_read_only_dashboard_shows_slices_and_changes_none(
    at_home: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = door(at_home)
    save(app, "slice.filters", "everything")
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app.run()
    assert app.multiselect(key="vitrine.slices").options == ["everything"]
    keys = {element.key for element in (*app.button, *app.text_input)}
    assert not any("slice" in str(key) for key in keys)


def test_a_damaged_file_stops_no_page(at_home: Any, place: Place) -> None:
    app = door(at_home)
    save(app, "slice.filters", "everything")
    [file] = (place.saved / "slices").glob("*.json")
    file.write_text("{")
    app.run()
    assert not app.exception
    assert ">400</b>" in counter(app)
    assert any("cannot be read" in caption.value for caption in app.caption)
