"""The review queue in Chromium: a label is marked, counted, offered for download, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.data import open_dataset
from core.models import find_checkpoint
from core.settings import Settings
from tests.browser.waits import until
from tests.dashboard import Place

pytestmark = pytest.mark.browser
NAME = "synthetic-2"


@pytest.fixture
def issues(place: Place) -> Iterator[list[dict[str, Any]]]:
    """A stored audit that suspects two labels of the primary head."""
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), NAME)
    task = dataset.taxonomy.primary
    found = [
        {
            "path": str(dataset.table["path"].iat[row]),
            "given": (given := str(dataset.table[task.name].iat[row])),
            "suggested": next(label for label in task.labels if label != given),
            "score": 0.01 * row,
            "flagged": True,
        }
        for row in (3, 8)
    ]
    value = {
        "label_issues": {task.name: found},
        "learnability": {},
        "near_duplicates": [],
        "slices": [],
        "slices_of": task.name,
    }
    file = place.cache / "audits" / f"{dataset.fingerprint}-{checkpoint.hash[:16]}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value), "utf-8")
    yield found
    file.unlink()


def marks(place: Place) -> list[dict[str, Any]]:
    files = list((place.saved / "reviews").glob("*.json"))
    return json.loads(files[0].read_text("utf-8"))["marks"] if files else []


def test_a_label_is_marked_offered_for_download_and_taken_back(
    tab: Any, server: str, place: Place, issues: list[dict[str, Any]], tmp_path: Path
) -> None:
    tab.goto(f"{server}/Audit?split=all&model={NAME}")
    tab.get_by_role("tab", name="Labels").click()
    tab.get_by_text("0 of 2 labels reviewed").wait_for()
    tab.get_by_role("button", name="Label wrong").click()
    tab.get_by_text("1 of 2 labels reviewed").wait_for()
    (mark,) = marks(place)
    assert (mark["path"], mark["decision"]) == (issues[0]["path"], "wrong")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="with 1 correction").click()
    copy = tmp_path / "copy.csv"
    download.value.save_as(copy)
    before = (place.data / "labels.csv").read_text("utf-8").splitlines()
    after = copy.read_text("utf-8").splitlines()
    (changed,) = [line for line, old in zip(after, before, strict=True) if line != old]
    assert issues[0]["path"] in changed and issues[0]["suggested"] in changed
    tab.get_by_role("button", name="Take back the last mark").click()
    tab.get_by_text("0 of 2 labels reviewed").wait_for()
    assert until(tab, lambda: not marks(place), "the mark is gone")
