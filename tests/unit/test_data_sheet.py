"""CSV files as spreadsheet programs write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import open_dataset
from core.data.options import Options
from core.data.sheet import read_sheet
from core.errors import DataError

Build = Callable[..., Path]

ROWS = "image_path,class_label,caption\na.png,cup,größe\nb.png,pot,x\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(
    build: Build, encoding: str, separator: str, newline: str
) -> None:
    root = build(ROWS.replace(",", separator).replace("\n", newline).encode(encoding), ["a.png", "b.png"])
    dataset = open_dataset(root)
    assert dataset.taxonomy.primary.labels == ("cup", "pot")
    assert dataset.table["caption"].tolist() == ["größe", "x"]
    named = [(problem.kind, problem.row) for problem in dataset.report.problems if problem.kind == "encoding"]
    line = 1 if newline == "\r" else 2
    assert named == ([("encoding", line)] if encoding == "cp1252" else [])


def test_lines_are_counted_over_blank_lines_and_quoted_breaks(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('path,caption\n\na,"two\nlines"\n  ,\nb,"says ""x"", y"\nc\nd,1,2\n')
    sheet = read_sheet(path, Options())
    assert sheet.columns == {"path": ["a", "b", "c", "d"], "caption": ["two\nlines", 'says "x", y', "", "1"]}
    assert sheet.lines == [3, 6, 7, 8]
    assert [(problem.kind, problem.row) for problem in sheet.problems] == [
        ("ragged_row", 7),
        ("ragged_row", 8),
    ]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "The first line must name each column."),
        (b"path,,x\n", "The first line must name each column."),
        (b"Path,label,path\n", "A column stands twice: path."),
        (b'path\n"' + b"x" * 200_000, "Field larger than field limit"),
        (b"\xff\xfe\x00", "truncated data"),
    ],
)
def test_what_cannot_be_read_at_all(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_sheet(path, Options())
    assert cause in caught.value.cause and caught.value.fix


def test_the_only_csv_file_counts_when_it_lists_images(build: Build) -> None:
    root = build(images=["a.png", "b.png"])
    (root / "Annotations.CSV").write_text("Filename;Class\na.png;x\nb.png;y\n")
    assert open_dataset(root).taxonomy.primary.labels == ("x", "y")


def test_a_csv_file_without_paths_or_labels(build: Build) -> None:
    with pytest.raises(DataError, match="no column of image paths"):
        open_dataset(build("what,class\na,b\n"))
    with pytest.raises(DataError, match="labels nothing"):
        open_dataset(build("image_path,price\na.png,3\n", ["a.png"]))
