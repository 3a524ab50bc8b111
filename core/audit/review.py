"""A person's marks on suspected labels: kept in one JSON file per data set, exported as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from core.data.corrections import Correction
from core.errors import DataError
from core.files import atomic_write_json
from core.records import read_records, writing_alone

Decision = Literal["wrong", "fine"]
COLUMNS = ("path", "task", "given", "suggested", "decision", "when")


@dataclass(frozen=True)
class Mark:
    """What a person says of one label: the image `path` was labelled `given` for `task`, the audit suggested
    `suggested`; `when` is ISO 8601, UTC."""

    path: str
    task: str
    given: str
    suggested: str
    decision: Decision
    when: str

    @property
    def key(self) -> tuple[str, str, str]:
        """A mark is about one label of one image; once the label is changed the mark is about nothing."""
        return self.task, self.path, self.given


def read_marks(file: Path) -> tuple[Mark, ...]:
    """The marks in the order they were made; none where there is no file. Raises StoreError for a damaged
    one."""
    return read_records(file, "marks", _mark, "The review's marks")


def add_mark(file: Path, mark: Mark) -> tuple[Mark, ...]:
    """Write `mark` in place of an earlier one on the same label. Raises StoreError; the old file stays whole
    where anything fails."""
    with writing_alone(file, "The mark"):
        return _write(file, (*(one for one in read_marks(file) if one.key != mark.key), mark))


def drop_mark(file: Path, key: tuple[str, str, str]) -> tuple[Mark, ...]:
    """Take back the mark of that key. Raises StoreError."""
    with writing_alone(file, "The mark"):
        return _write(file, tuple(one for one in read_marks(file) if one.key != key))


def marks_csv(marks: tuple[Mark, ...], cell: Callable[[object], object]) -> str:
    """The marks as CSV text with a header; every value passes through `cell` first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(getattr(mark, name)) for name in COLUMNS] for mark in marks)
    return out.getvalue()


def load_marks(file: Path) -> tuple[Mark, ...]:
    """The marks in a file that somebody names: CSV as `marks_csv` writes it, or the JSON they are kept in.

    Raises DataError where there is no such file, a column is missing, or a row is no mark.
    """
    if file.suffix.lower() == ".json" and file.is_file():
        return read_marks(file)
    try:
        rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(
            f"{file} cannot be read", cause=f"{error}.", fix="Give the CSV file that the Audit page exports."
        ) from error
    found = []
    for number, row in enumerate(rows, 2):
        try:
            found.append(_mark({name: _unquoted(row[name]) for name in COLUMNS}))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"Row {number} of {file} is no mark",
                cause=f"It needs the columns {', '.join(COLUMNS)}, and a decision 'wrong' or 'fine'.",
                fix="Export the marks from the Audit page again.",
            ) from error
    return tuple({mark.key: mark for mark in found}.values())


def corrections(marks: Iterable[Mark]) -> tuple[Correction, ...]:
    """What the marks "wrong" ask for."""
    return tuple(
        Correction(mark.path, mark.task, mark.given, mark.suggested)
        for mark in marks
        if mark.decision == "wrong"
    )


def _unquoted(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking text for a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def _write(file: Path, marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    atomic_write_json(file, {"marks": [asdict(mark) for mark in marks]})
    return marks


def _mark(value: dict[str, Any]) -> Mark:
    texts = {name: value[name] for name in COLUMNS}
    if not all(isinstance(text, str) for text in texts.values()) or texts["decision"] not in (
        "wrong",
        "fine",
    ):
        raise ValueError("a mark is not made of texts, or its decision is neither 'wrong' nor 'fine'")
    return Mark(**{**texts, "decision": cast(Decision, texts["decision"])})
