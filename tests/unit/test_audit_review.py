"""Marks on suspected labels: kept whole, one per label, exported for a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from core.audit.review import Mark, add_mark, drop_mark, marks_csv, read_marks
from core.errors import StoreError

MARK = Mark("images/a.jpg", "kind", "cup", "=bowl", "wrong", "2024-01-02T03:04:05+00:00")


def test_a_later_mark_replaces_an_earlier_one_on_the_same_label(tmp_path: Path) -> None:
    file = tmp_path / "reviews" / "set.json"
    assert read_marks(file) == ()
    other = replace(MARK, path="images/b.jpg", decision="fine")
    add_mark(file, MARK)
    add_mark(file, other)
    changed = replace(MARK, decision="fine")
    assert add_mark(file, changed) == read_marks(file) == (other, changed)
    assert drop_mark(file, other.key) == read_marks(file) == (changed,)


def test_two_reviewers_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    marks = [replace(MARK, path=f"{number}.jpg") for number in range(16)]
    threads = [Thread(target=add_mark, args=(file, mark)) for mark in marks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {mark.path for mark in read_marks(file)} == {mark.path for mark in marks}


@pytest.mark.parametrize("text", ["", "{", '{"marks": [{}]}', '{"marks": 3}', "[]"])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(text)
    with pytest.raises(StoreError, match=r"cannot be read"):
        read_marks(file)
    with pytest.raises(StoreError):
        add_mark(file, MARK)
    assert file.read_text() == text


def test_a_folder_that_cannot_be_written_is_an_error_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "reviews").write_text("in the way")
    with pytest.raises(StoreError, match="could not be saved"):
        add_mark(tmp_path / "reviews" / "set.json", MARK)


def test_the_csv_names_every_column(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(marks_csv((MARK,), lambda value: value))))
    assert rows == [
        {
            "path": MARK.path,
            "task": MARK.task,
            "given": MARK.given,
            "suggested": MARK.suggested,
            "decision": "wrong",
            "when": MARK.when,
        }
    ]
