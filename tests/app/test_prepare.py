"""Whether a data set gets a model of its own when it is opened."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard import Place


@pytest.fixture
def strangers(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set whose labels a checkpoint knows that was trained on another data set."""
    from pages.ui import empty

    root = tmp_path / "other"
    shutil.copytree(place.data, root)
    (root / "vitrine.toml").write_text('name = "Other photographs"\n')
    table = root / "labels.csv"
    lines = table.read_text("utf-8").splitlines()
    table.write_text("\n".join(lines[:-1]) + "\n", "utf-8")
    monkeypatch.setattr(empty, "_wanted", lambda key: False)  # offer it, do not train here
    return root


def titles(app: Any) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


@pytest.mark.parametrize(("prepare", "read_only"), [("1", ""), ("", ""), ("1", "1")])
def test_a_model_of_its_own_is_trained_only_where_asked_for(
    at_home: Any, strangers: Path, monkeypatch: pytest.MonkeyPatch, prepare: str, read_only: str
) -> None:
    monkeypatch.setenv("VITRINE_DATA", str(strangers))
    monkeypatch.setenv("VITRINE_PREPARE", prepare)
    monkeypatch.setenv("VITRINE_READ_ONLY", read_only)
    at_home.run()
    assert not at_home.exception
    wanted = prepare == "1" and not read_only
    assert ("No model has been trained for" in titles(at_home)) == wanted
    assert bool(at_home.metric) == (not wanted)
    box = at_home.sidebar.selectbox(key="vitrine.checkpoint")
    assert (box.value is None) == wanted
    box.select("synthetic-1").run()  # a stranger's can be looked at all the same
    assert not at_home.exception and at_home.metric
    assert at_home.query_params["model"] in ("synthetic-1", ["synthetic-1"])


def test_only_checkpoints_of_the_data_set_are_offered_where_there_are_any(
    at_home: Any, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.models.checkpoint import read_checkpoint, update_card

    folder = tmp_path / "checkpoints"
    shutil.copytree(place.checkpoints, folder)
    stranger = read_checkpoint(folder / "synthetic-1")
    facts = stranger.card.data.model_copy(update={"name": "Elsewhere", "fingerprint": "0" * 32})
    update_card(stranger, data=facts)
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(folder))
    at_home.run()
    assert not at_home.exception
    (chooser,) = [box for box in at_home.selectbox if box.label == "Checkpoint"]
    assert chooser.options == ["synthetic-2"]


def test_what_the_other_checkpoints_lack_is_built_beside_the_overview(
    at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.ui import empty, resources

    started: list[list[str]] = []
    monkeypatch.setattr(empty, "_offer", lambda key, title, argv: started.append([title, *argv]))
    monkeypatch.setattr(resources, "indexed", _without("synthetic-1", resources.indexed))
    for prepared in ("", "1"):
        monkeypatch.setenv("VITRINE_PREPARE", prepared)
        at_home.query_params["model"] = "synthetic-2"
        at_home.run()
        assert not at_home.exception
        if not prepared:
            assert not started
            assert any("has not looked" in button.label for button in at_home.button)
    assert started[0][0] == "Preparing synthetic-1"
    assert started[0][-1].endswith("synthetic-1")


def _without(name: str, indexed: Any) -> Any:
    return lambda data, checkpoint, *more: (
        None if checkpoint.name == name else indexed(data, checkpoint, *more)
    )


def test_the_checkpoint_that_validates_best_is_opened(
    at_home: Any, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.models.card import Measure
    from core.models.checkpoint import read_checkpoint, update_card

    folder = tmp_path / "checkpoints"
    shutil.copytree(place.checkpoints, folder)
    for name, accuracy in (("synthetic-1", 0.9), ("synthetic-2", 0.2)):
        checkpoint = read_checkpoint(folder / name)
        figure = Measure(value=accuracy, low=None, high=None, n=60)
        primary = checkpoint.taxonomy.primary.name
        update_card(checkpoint, metrics={"val": {primary: {"accuracy": figure}}})
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(folder))
    at_home.run()
    assert not at_home.exception
    (chooser,) = [box for box in at_home.selectbox if box.label == "Checkpoint"]
    assert chooser.options == ["synthetic-1", "synthetic-2"]
    assert chooser.value == "synthetic-1"
