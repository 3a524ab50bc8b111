"""The Audit page: nothing yet, a run with progress and cancel, and what a stored audit shows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.data import open_dataset
from core.models import find_checkpoint
from core.settings import Settings
from tests.dashboard import Place

NAME = "synthetic-1"
SLOW = 'import time; print(\'{"done": 3, "total": 12, "note": "judging"}\'); time.sleep(60)'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """120 rows of 36 pictures: most are copies of another, and an audit takes seconds."""
    from benchmarks.synthetic import make_synthetic

    made = make_synthetic(tmp_path_factory.mktemp("audit"), 120, pictures=36, checkpoints=1)
    return Place(made.data, made.cache, made.checkpoints)


def file_of(place: Place) -> Path:
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), NAME)
    return place.cache / "audits" / f"{dataset.fingerprint}-{checkpoint.hash[:16]}.json"


@pytest.fixture(scope="module")
def stored(place: Place) -> Iterator[dict[str, Any]]:
    """An audit as the command writes it, where the page looks for it."""
    file = file_of(place)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.environment.items():
            patch.setenv(name, value)
        arguments = ["audit", "--data", str(place.data), "--checkpoint", NAME, "--out", str(file)]
        assert main(arguments) == 0
    yield json.loads(file.read_text("utf-8"))
    file.unlink()


def opened(app: Any, **query: str) -> Any:
    query = {"model": NAME, "split": "all", **query}
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("pages/9_Audit.py").run()
    assert not app.exception
    assert not app.error
    return app


def text(app: Any) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption)).replace("\\", "")


def on_tab(app: Any, name: str) -> Any:
    app.session_state["audit.tab"] = name
    app.run()
    assert not app.exception
    assert not app.error
    return app


def test_an_audit_is_started_watched_and_cancelled(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import audit_run

    monkeypatch.setattr(audit_run, "audit_argv", lambda view, checkpoint: ["-c", SLOW])
    app = opened(at_home)
    assert not app.tabs
    app.button(key="audit").click().run()
    next(button for button in app.button if button.label == "Cancel").click().run()
    end = time.monotonic() + 90
    while not app.warning and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert [warning.value for warning in app.warning] == ["Cancelled. Nothing was changed."]
    assert app.button(key="audit").label == "Audit this data set"


def test_every_head_has_its_verdict(at_home: Any, stored: dict[str, Any]) -> None:
    app = opened(at_home)
    table = app.dataframe[0].value
    assert dict(zip(table["Head"], table["Verdict"], strict=True)) == {
        task: one["verdict"] for task, one in stored["learnability"].items()
    }
    for one in stored["learnability"].values():
        assert one["sentence"] in text(app)


def test_suspected_labels_are_counted_per_head(at_home: Any, stored: dict[str, Any]) -> None:
    for task, issues in list(stored["label_issues"].items())[:2]:
        app = on_tab(opened(at_home, head=task), "Labels")
        flagged = sum(one["flagged"] for one in issues)
        assert f"**{task}**: {flagged} label{'' if flagged == 1 else 's'} probably wrong" in text(app)


def test_pairs_across_splits_come_side_by_side(at_home: Any, stored: dict[str, Any]) -> None:
    across = [one for one in stored["near_duplicates"] if one["splits"][0] != one["splits"][1]]
    app = on_tab(opened(at_home), "Near-duplicates")
    assert across
    assert f"**{len(across):,} pairs** across splits" in text(app)
    one, other = across[0]["splits"]
    assert f":orange[{one} and {other}]" in text(app)


def test_the_other_tabs_draw(at_home: Any, stored: dict[str, Any]) -> None:
    app = on_tab(opened(at_home), "Leaks")
    assert {"Accuracy with them", "Accuracy without them"} <= set(app.dataframe[0].value.columns)
    on_tab(app, "Weak slices")
    assert len(stored["slices"]) == (len(app.dataframe[0].value) if stored["slices"] else 0)
    on_tab(app, "Poor images")
    on_tab(app, "The rest")
    assert sorted(app.dataframe[-1].value["Head"]) == sorted(stored["balance"])


def test_a_damaged_file_is_no_audit(at_home: Any, place: Place, stored: dict[str, Any]) -> None:
    file = file_of(place)
    whole = file.read_bytes()
    try:
        file.write_bytes(whole[: len(whole) // 2])
        app = opened(at_home)
        assert not app.tabs
        assert app.button(key="audit").label == "Audit this data set"
    finally:
        file.write_bytes(whole)


def test_a_label_is_marked_taken_back_and_exported(
    at_home: Any, place: Place, stored: dict[str, Any]
) -> None:
    task, issues = next((task, found) for task, found in stored["label_issues"].items() if found)
    app = on_tab(opened(at_home, head=task, flagged="no"), "Labels")
    app.button(key="review.wrong").click().run()
    assert not app.exception
    (file,) = (place.saved / "reviews").glob("*.json")
    try:
        (mark,) = json.loads(file.read_text("utf-8"))["marks"]
        assert (mark["path"], mark["given"], mark["decision"]) == (
            issues[0]["path"],
            issues[0]["given"],
            "wrong",
        )
        assert [one for one in app.get("download_button") if "with 1 correction" in str(one.proto.label)]
        app.button(key="review.undo").click().run()
        assert json.loads(file.read_text("utf-8"))["marks"] == []
    finally:
        file.unlink()
