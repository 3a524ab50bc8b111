"""A CSV file as people and spreadsheet programs write it: any usual encoding, separator and line end."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Problem
from core.data.options import Options
from core.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


@dataclass(frozen=True)
class Sheet:
    """Cells as text, stripped: `columns` maps a header to its cells, `lines` gives each row's line."""

    file: str
    columns: dict[str, list[str]]
    lines: list[int]
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def find(self, name: str) -> str | None:
        """The header that is spelt `name`, upper and lower case being alike; None where there is none."""
        return next((header for header in self.columns if header.casefold() == name.casefold()), None)


def read_sheet(path: Path, options: Options) -> Sheet:
    """Read a CSV file whose first line is its header. Raises DataError when that cannot be done at all."""
    text, problems = sheet_text(path, options)
    delimiter = options.delimiter or _delimiter(text)
    try:
        rows = _rows(text, delimiter)
    except csv.Error as error:
        raise DataError(
            f"{path.name} is not a usable CSV file",
            cause=f"{str(error)[:1].upper()}{str(error)[1:]}.",
            fix="A quotation mark is probably not closed. Save the table as CSV again.",
        ) from error
    return _sheet(path.name, rows, problems)


def sheet_text(path: Path, options: Options) -> tuple[str, list[Problem]]:
    """The text of a CSV file, and what was wrong with its encoding. Raises DataError."""
    try:
        return _decode(path.read_bytes(), path.name, options)
    except (OSError, UnicodeError, LookupError) as error:
        raise DataError(
            f"{path.name} cannot be read", cause=f"{error}.", fix="Save it as CSV in UTF-8."
        ) from error


def with_cells(text: str, changes: Mapping[int, Mapping[str, str]], options: Options) -> str:
    """A CSV file's text with other cells: line a row starts on -> header -> the cell as it should be. Every
    other row stays as it is, character by character."""
    delimiter = options.delimiter or _delimiter(text)
    physical = list(io.StringIO(text, newline=""))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] | None = None
    done, line = [], 1
    for cells in reader:
        raw = "".join(physical[line - 1 : reader.line_num])
        if header is None and any(cell.strip() for cell in cells):
            header = [cell.strip() for cell in cells]
        elif header is not None and line in changes:
            raw = _row(
                cells, {header.index(name): cell for name, cell in changes[line].items()}, delimiter, raw
            )
        done.append(raw)
        line = reader.line_num + 1
    return "".join(done)


def _row(cells: list[str], changes: Mapping[int, str], delimiter: str, raw: str) -> str:
    """One row written anew, with the line end that it had."""
    width = max(len(cells), *(place + 1 for place in changes))
    padded = [*cells, *[""] * (width - len(cells))]
    end = raw[len(raw.rstrip("\r\n")) :]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(
        [changes.get(place, cell) for place, cell in enumerate(padded)]
    )
    return out.getvalue()


def _decode(data: bytes, name: str, options: Options) -> tuple[str, list[Problem]]:
    if options.encoding:
        return data.decode(options.encoding), []
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    try:
        return data.decode(marked or "utf-8"), []
    except UnicodeDecodeError as error:
        if marked == "utf-16":
            raise
        line = data.count(b"\n", 0, error.start) + 1
    problem = Problem(
        kind="encoding",
        message=f"{name} is not UTF-8 (first at line {line}); it was read as Windows-1252.",
        fix="Save it as UTF-8, or name its encoding in vitrine.toml.",
        row=line,
    )
    return data.removeprefix(b"\xef\xbb\xbf").decode("cp1252", errors="replace"), [problem]


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=header.count)


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows with the line each starts on; blank ones are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append((line, cells))
        line = reader.line_num + 1
    return rows


def _sheet(file: str, rows: list[tuple[int, list[str]]], problems: list[Problem]) -> Sheet:
    header = [cell.strip() for cell in rows[0][1]] if rows else []
    while header and not header[-1]:
        header.pop()
    folded = [name.casefold() for name in header]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if not header or twice or not all(header):
        raise DataError(
            f"{file} has no usable header",
            cause=f"A column stands twice: {', '.join(twice)}."
            if twice
            else "The first line must name each column.",
            fix="Let the first line name each column once, for instance image_path,class_label.",
        )
    width = len(header)
    for line, cells in rows[1:]:
        if len(cells) < width or any(cell.strip() for cell in cells[width:]):
            problems.append(_ragged(line, len(cells), width))
    padded = [[cell.strip() for cell in cells[:width]] + [""] * (width - len(cells)) for _, cells in rows[1:]]
    cells_by_column = zip(*padded, strict=True) if padded else ((),) * width
    columns = {name: list(cells) for name, cells in zip(header, cells_by_column, strict=True)}
    return Sheet(file, columns, [line for line, _ in rows[1:]], tuple(problems))


def _ragged(line: int, found: int, expected: int) -> Problem:
    return Problem(
        kind="ragged_row",
        message=f"Line {line} has {found} cells where the header has {expected}.",
        fix="Put cells that contain the separator in quotation marks.",
        row=line,
    )
