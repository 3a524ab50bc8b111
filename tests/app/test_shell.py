"""The shell: the shared selection in sidebar and link, hostile links, empty states, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.data.placeholder import draw_placeholder
from core.settings import HOME
from tests.dashboard import Place

PAGES = ("1_Confusion.py", "2_Classes.py", "3_Mistakes.py", "4_Try_it.py")


def counter(app: Any) -> int:
    """The number of selected images in the sidebar."""
    text = next(str(element.value) for element in app.get("html") if 'role="status"' in str(element.value))
    return int(text.split("<b>")[1].split("</b>")[0].replace(",", ""))


def shown(app: Any) -> str:
    """All text of the page, as Markdown."""
    parts = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(at_home: Any, page: str) -> None:
    at_home.run()
    at_home.switch_page(f"pages/{page}").run()
    assert not at_home.exception
    assert not at_home.error


def test_the_link_says_what_is_looked_at(at_home: Any, place: Place) -> None:
    at_home.run()
    assert at_home.query_params["data"] == place.data.name
    assert at_home.query_params["model"] in at_home.selectbox(key="vitrine.checkpoint").options
    assert at_home.query_params["head"] == at_home.selectbox(key="vitrine.task").value
    assert "split" not in at_home.query_params  # the test split is the default


def test_a_filter_changes_the_counter_and_the_link_and_can_be_cleared(at_home: Any) -> None:
    at_home.run()
    whole = counter(at_home)
    truth = at_home.multiselect(key="vitrine.truth")
    truth.select(truth.options[0]).run()
    assert 0 < counter(at_home) < whole
    assert at_home.query_params["truth"] == at_home.multiselect(key="vitrine.truth").value[0]
    at_home.button(key="clear").click().run()
    assert "truth" not in at_home.query_params
    assert at_home.multiselect(key="vitrine.truth").value == []


def test_a_link_reopens_the_view(at_home: Any) -> None:
    for key, value in {
        "split": "all",
        "outcome": "wrong",
        "conf": "0.5000-1.0000",
        "model": "synthetic-2",
    }.items():
        at_home.query_params[key] = value
    at_home.run()
    assert at_home.selectbox(key="vitrine.checkpoint").value == "synthetic-2"
    assert at_home.slider(key="vitrine.confidence").value == (0.5, 1.0)
    assert "only wrong" in shown(at_home)


@pytest.mark.parametrize(
    "query",
    [
        {"data": "../../etc", "model": "<b>x</b>", "head": "$x$", "split": "elsewhere"},
        {"truth": "[[[[", "pred": '["a",1]', "conf": "nan-inf", "where": "no:such", "outcome": "maybe"},
        {"truth": "<script>alert(1)</script>", "q": "`**_", "cell": "~~~", "norm": "sideways"},
    ],
)
def test_a_hostile_link_gives_the_default_view_and_a_note(at_home: Any, query: dict[str, str]) -> None:
    for key, value in query.items():
        at_home.query_params[key] = value
    at_home.run()
    at_home.switch_page("pages/1_Confusion.py").run()
    assert not at_home.exception
    assert not at_home.error
    assert "<script>" not in shown(at_home)
    assert "<b>" not in shown(at_home)


def test_without_a_checkpoint_the_page_offers_to_train(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, placeholder_root: Path
) -> None:
    app = alone(monkeypatch, tmp_path, placeholder_root)
    app.run()
    assert not app.exception
    assert "No model has been trained" in shown(app)
    assert [button.label for button in app.button] == ["Train the quick model"]


def test_a_read_only_dashboard_offers_nothing_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, placeholder_root: Path
) -> None:
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app = alone(monkeypatch, tmp_path, placeholder_root)
    app.run()
    assert not app.button
    assert "read-only" in shown(app)


def test_a_broken_data_set_is_an_error_with_a_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = tmp_path / "broken"
    root.mkdir()
    (root / "labels.csv").write_text("image_path,class_label\nmissing.jpg,x\n")
    app = alone(monkeypatch, tmp_path, root)
    app.run()
    assert not app.exception
    assert app.error
    assert "missing.jpg" in app.error[0].value.replace("\\", "")
    assert "Traceback" not in shown(app)


def test_two_data_sets_can_be_switched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, placeholder_root: Path
) -> None:
    other = draw_placeholder(tmp_path / "other", seed=2)
    app = alone(monkeypatch, tmp_path, placeholder_root, other)
    app.run()
    assert app.query_params["data"] == placeholder_root.name
    app.selectbox(key="vitrine.dataset").select("other").run()
    assert app.query_params["data"] == "other"
    assert not app.exception


def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *roots: Path) -> Any:
    """The app on `roots`, without checkpoints."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    monkeypatch.setenv("VITRINE_DATA", ":".join(map(str, roots)))
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    st.cache_resource.clear()
    return AppTest.from_file(str(HOME / "Home.py"), default_timeout=60)
