"""Labels corrected in a copy of a data set's CSV file: the file itself is never written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.data.columns import label_sources, sheet_records
from core.data.opening import look
from core.data.options import Options
from core.data.records import clean_labels
from core.data.rows import located_rows
from core.data.sheet import MARKS, Sheet, read_sheet, sheet_text, with_cells
from core.errors import DataError


@dataclass(frozen=True)
class Correction:
    """The label of `task` on the image `path` is not `given` but `wanted`."""

    path: str
    task: str
    given: str
    wanted: str


@dataclass(frozen=True)
class Refused:
    """A correction that does not fit the file, and why."""

    correction: Correction
    reason: str


@dataclass(frozen=True)
class Corrected:
    """A CSV file's bytes with `applied` labels corrected; `refused` ones are as they were."""

    data: bytes
    applied: tuple[Correction, ...]
    refused: tuple[Refused, ...]


def table_file(root: Path) -> Path | None:
    """The CSV file with the rows of the data set in `root`; None where it is a folder per class."""
    found, _, csv = look(root)
    return None if csv is None else found.root / csv


def corrected_table(root: Path, corrections: Iterable[Correction]) -> Corrected:
    """The data set's CSV file with corrected labels. A correction is refused where its image or its task is
    not in the file, where the label there is no longer the given one, or where two of them disagree.

    Raises DataError where the data set has no CSV file, or it cannot be read.
    """
    found, options, csv = look(root)
    if csv is None:
        raise DataError(
            f"'{found.root.name}' has no table of labels",
            cause="Its labels are the names of its folders.",
            fix="Move the images that are labelled wrong into the right folder.",
        )
    file = found.root / csv
    sheet = read_sheet(file, options)
    rows = located_rows(sheet_records(sheet, options), found, options)
    editor = _Editor(sheet, options, rows)
    applied, refused = [], []
    for one in dict.fromkeys(corrections):
        reason = editor.correct(one)
        if reason:
            refused.append(Refused(one, reason))
        else:
            applied.append(one)
    text = with_cells(sheet_text(file, options)[0], editor.changes, options)
    return Corrected(_encoded(text, file, options), tuple(applied), tuple(refused))


class _Editor:
    """Gathers changed cells: line -> header -> cell."""

    def __init__(self, sheet: Sheet, options: Options, rows: dict[str, int]) -> None:
        self.sheet, self.options, self.rows = sheet, options, rows
        self.sources = label_sources(sheet, options)
        self.changes: dict[int, dict[str, str]] = {}
        self.seen: set[tuple[str, str]] = set()

    def correct(self, one: Correction) -> str:
        """Take up a correction; the reason where it is refused, else ""."""
        if one.path not in self.rows:
            return "the file has no usable row for this image"
        if one.task not in self.sources:
            return "the file has no such labels"
        if (one.path, one.task) in self.seen:
            return "another correction of the same label came before"
        header, key = self.sources[one.task]
        number = self.rows[one.path]
        line = self.sheet.lines[number]
        cell = self.changes.get(line, {}).get(header, self.sheet.columns[header][number])
        now = cell if key is None else _attribute(cell, key)
        if clean_labels([now], self.options.missing)[0] != one.given:
            return f"the label there is now '{now}'"
        if key is not None and ";" in one.wanted:
            return "an attribute's value cannot hold a semicolon"
        self.seen.add((one.path, one.task))
        changed = one.wanted if key is None else _with_attribute(cell, key, one.wanted)
        self.changes.setdefault(line, {})[header] = changed
        return ""


def _attribute(cell: str, key: str) -> str:
    """The value of `key`; of several the first counts, as in `parse_attributes`."""
    pairs = (part.partition(":") for part in cell.split(";"))
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")


def _with_attribute(cell: str, key: str, value: str) -> str:
    parts = cell.split(";")
    place = next(k for k, part in enumerate(parts) if part.partition(":")[0].strip() == key)
    parts[place] = f"{parts[place].partition(':')[0]}:{value}"
    return ";".join(parts)


def _encoded(text: str, file: Path, options: Options) -> bytes:
    """In the file's own encoding; what was no UTF-8 and has no mark becomes UTF-8."""
    with file.open("rb") as stream:
        start = stream.read(4)
    marked = next((encoding for mark, encoding in MARKS if start.startswith(mark)), "utf-8")
    return text.encode(options.encoding or marked)
