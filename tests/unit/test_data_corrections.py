"""Reviewed labels in a copy of labels.csv: only the cells that are meant change, and the file itself
never."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.__main__ import main
from core.audit.review import Mark, corrections, load_marks, marks_csv
from core.data import open_dataset
from core.data.corrections import Correction, corrected_table, table_file
from core.errors import DataError

TEAM = (
    "image_path,class_label,attributes,caption,split,instance_id\r\n"
    'images/a.jpg,cup,"color: red;material:tin; size:small","a cup, ""old""\r\nand red",train,one\r\n'
    "images/b.jpg,bowl,color:blue;material:tin,,val,two\r\n"
    "\r\n"
    'images/c.jpg,"cup",color:red,,test,three'
)
IMAGES = ("images/a.jpg", "images/b.jpg", "images/c.jpg")
Build = Callable[..., Path]


def mark(path: str, task: str, given: str, suggested: str, decision: str = "wrong") -> Mark:
    return Mark(path, task, given, suggested, decision, "2024-01-02T03:04:05+00:00")  # type: ignore[arg-type]


def test_only_the_cells_that_are_meant_change(build: Build) -> None:
    root = build(TEAM.encode(), IMAGES)
    wanted = (
        Correction("images/a.jpg", "color", "red", "dark, red"),
        Correction("images/a.jpg", "class", "cup", "bowl"),
        Correction("images/c.jpg", "class", "cup", "mug"),
    )
    found = corrected_table(root, wanted)
    assert found.applied == wanted and found.refused == ()
    text = found.data.decode()
    assert (
        'images/a.jpg,bowl,"color:dark, red;material:tin; size:small","a cup, ""old""\r\nand red",train,one'
        in text
    )
    assert "\r\nimages/b.jpg,bowl,color:blue;material:tin,,val,two\r\n\r\n" in text
    assert text.endswith("images/c.jpg,mug,color:red,,test,three")
    assert (root / "labels.csv").read_bytes() == TEAM.encode()
    (root / "labels.csv").write_bytes(found.data)
    again = open_dataset(root)
    assert again.table["class"].astype(str).tolist() == ["bowl", "bowl", "mug"]
    assert again.table["color"].astype(str).tolist() == ["dark, red", "blue", "red"]
    assert again.table["caption"].tolist()[0] == 'a cup, "old"\r\nand red'


def test_a_wide_table_in_another_encoding_and_with_other_separators(build: Build) -> None:
    rows = [f"{name}.jpg;cup;klein" for name in "bcde"]
    text = "\n".join(["file;class;Größe", "a.jpg;bowl;groß", *rows, ""])
    root = build(b"\xef\xbb\xbf" + text.encode(), [f"{name}.jpg" for name in "abcde"])
    found = corrected_table(root, [Correction("a.jpg", "Größe", "groß", "riesig")])
    assert found.data == b"\xef\xbb\xbf" + text.replace("groß", "riesig").encode()


@pytest.mark.parametrize(
    ("correction", "reason"),
    [
        (Correction("images/x.jpg", "class", "cup", "mug"), "no usable row"),
        (Correction("images/a.jpg", "mood", "cup", "mug"), "no such labels"),
        (Correction("images/a.jpg", "class", "mug", "bowl"), "now 'cup'"),
        (Correction("images/a.jpg", "color", "red", "a;b:c"), "semicolon"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(
    build: Build, correction: Correction, reason: str
) -> None:
    found = corrected_table(build(TEAM.encode(), IMAGES), [correction])
    assert found.applied == () and reason in found.refused[0].reason
    assert found.data == TEAM.encode()


def test_of_two_that_disagree_the_first_counts(build: Build) -> None:
    first, second = (Correction("images/a.jpg", "class", "cup", label) for label in ("mug", "bowl"))
    found = corrected_table(build(TEAM.encode(), IMAGES), [first, second, first])
    assert found.applied == (first,) and [one.correction for one in found.refused] == [second]


def test_a_folder_per_class_has_no_table(build: Build) -> None:
    root = build(None, ("cup/a.jpg", "bowl/b.jpg"))
    assert table_file(root) is None
    with pytest.raises(DataError, match="no table of labels"):
        corrected_table(root, [])


def test_marks_come_back_from_their_csv(tmp_path: Path) -> None:
    marks = (mark("a.jpg", "class", "=cup", "'mug"), mark("b.jpg", "class", "cup", "mug", "fine"))
    file = tmp_path / "review.csv"
    file.write_text(marks_csv(marks, lambda v: f"'{v}" if str(v).startswith("=") else v), "utf-8")
    assert load_marks(file) == marks
    assert [one.wanted for one in corrections(marks)] == ["'mug"]


@pytest.mark.parametrize(
    "text", ["path,task\na,b\n", "path,task,given,suggested,decision,when\na,class,b,c,maybe,now\n"]
)
def test_a_file_that_is_no_review_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "review.csv"
    file.write_text(text)
    with pytest.raises(DataError, match="no mark"):
        load_marks(file)
    with pytest.raises(DataError, match="cannot be read"):
        load_marks(tmp_path / "nothing.csv")


def test_the_command_writes_a_copy_and_overwrites_nothing(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = build(TEAM.encode(), IMAGES)
    marks = (
        mark("images/b.jpg", "class", "bowl", "cup"),
        mark("images/c.jpg", "class", "cup", "bowl", "fine"),
        mark("images/c.jpg", "color", "green", "blue"),
    )
    review, copy = tmp_path / "review.csv", tmp_path / "copy.csv"
    review.write_text(marks_csv(marks, lambda value: value), "utf-8")
    arguments = ["apply-review", "--data", str(root), "--review", str(review), "--out"]
    assert main([*arguments, str(copy), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["marks"], told["fine"], told["corrected"]) == (3, 1, 1)
    assert told["refused"][0]["path"] == "images/c.jpg"
    assert copy.read_bytes().decode() == TEAM.replace("b.jpg,bowl", "b.jpg,cup")
    for taken in (copy, root / "labels.csv"):
        before = taken.read_bytes()
        assert main([*arguments, str(taken)]) == 2
        assert "exists already" in capsys.readouterr().err and taken.read_bytes() == before
    assert main([*arguments, str(tmp_path / "second.csv")]) == 0
    assert "1 of 3 marks corrected a label" in capsys.readouterr().out
