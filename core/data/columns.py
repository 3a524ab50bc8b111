"""The columns of a CSV file: those with a role, attributes, further tasks and metadata."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core.data.attributes import parse_attributes
from core.data.dataset import BASE_COLUMNS, Problem
from core.data.domain import is_label_like, is_text_like
from core.data.options import Options
from core.data.records import CLASS_TASK, Records, clean_labels
from core.data.sheet import Sheet
from core.errors import DataError

MOST_ATTRIBUTES = 20
"""An attribute with so many values is a task even where few images share one."""

USUAL = {
    "path": ("image_path", "path", "file_path", "filepath", "file_name", "filename", "file", "image", "img"),
    "label": ("class_label", "class", "label", "category", "target", "class_name"),
    "attributes": ("attributes", "attrs", "attribute"),
    "split": ("split", "subset", "partition"),
    "instance": ("instance_id", "instance", "object_id", "group_id"),
    "caption": ("caption", "description", "text", "title"),
}
"""Usual names of the columns with a role, the first that is found counts."""


def has_path_column(sheet: Sheet, options: Options) -> bool:
    """Whether `sheet` lists images."""
    return _role(sheet, options, "path") is not None


def sheet_records(sheet: Sheet, options: Options) -> Records:
    """Rows of a CSV file: the columns with a role, attributes taken apart, the others as tasks or metadata.

    Raises DataError when there is no column of paths or nothing that could be a task.
    """
    roles = {role: _role(sheet, options, role) for role in USUAL}
    if roles["path"] is None:
        raise DataError(
            f"{sheet.file} has no column of image paths",
            cause=f"Its columns are: {', '.join(sheet.columns)}.",
            fix='Call it image_path, or name it in vitrine.toml: [columns] path = "...".',
        )
    columns, keys, problems = _candidates(sheet, roles)
    labels, metadata = _tasks(columns, keys, sheet, roles["label"], options)
    splits = _cells(sheet, roles["split"])
    return Records(
        lines=list(sheet.lines),
        paths=sheet.columns[roles["path"]],
        splits=splits if any(splits) else None,
        instances=clean_labels(_cells(sheet, roles["instance"]), options.missing),
        captions=_cells(sheet, roles["caption"]),
        labels=labels,
        metadata=metadata,
        problems=(*sheet.problems, *problems),
    )


def label_sources(sheet: Sheet, options: Options) -> dict[str, tuple[str, str | None]]:
    """Where the labels of each column of the table stand in the CSV file: the header, and the key within its
    cells where they are attributes."""
    roles = {role: _role(sheet, options, role) for role in USUAL}
    header = roles["attributes"]
    return _sources(sheet, roles, {} if header is None else _attributes(sheet, header)[0])


def _role(sheet: Sheet, options: Options, role: str) -> str | None:
    given: str | None = getattr(options.columns, role)
    if given is None:
        return next((header for name in USUAL[role] if (header := sheet.find(name))), None)
    header = sheet.find(given)
    if header is None and given:
        raise DataError(
            f"{sheet.file} has no column '{given}'",
            cause=f"vitrine.toml names it as the {role} column; the columns are: {', '.join(sheet.columns)}.",
            fix="Correct [columns] in vitrine.toml.",
        )
    return header


def _cells(sheet: Sheet, header: str | None) -> list[str]:
    return [""] * len(sheet) if header is None else sheet.columns[header]


def _candidates(
    sheet: Sheet, roles: dict[str, str | None]
) -> tuple[dict[str, list[str]], list[str], list[Problem]]:
    """Columns that may be tasks or metadata: the class, the attributes (named in the list), what is left."""
    keyed, problems = ({}, []) if roles["attributes"] is None else _attributes(sheet, roles["attributes"])
    sources = _sources(sheet, roles, keyed)
    columns = {
        name: sheet.columns[header] if key is None else keyed[key] for name, (header, key) in sources.items()
    }
    return columns, [name for name, (_, key) in sources.items() if key is not None], problems


def _sources(
    sheet: Sheet, roles: dict[str, str | None], keys: Iterable[str]
) -> dict[str, tuple[str, str | None]]:
    found: dict[str, tuple[str, str | None]] = {}
    if roles["label"] is not None:
        found[CLASS_TASK] = (roles["label"], None)
    if roles["attributes"] is not None:
        for key in keys:
            found[_free(key, found)] = (roles["attributes"], key)
    for header in sheet.columns:
        if header not in roles.values():
            found[_free(header, found)] = (header, None)
    return found


def _attributes(sheet: Sheet, header: str) -> tuple[dict[str, list[str]], list[Problem]]:
    keyed: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for number, (line, cell) in enumerate(zip(sheet.lines, sheet.columns[header], strict=True)):
        found, faults = parse_attributes(cell)
        for key, value in found.items():
            if key not in keyed:
                keyed[key] = [""] * len(sheet)
            keyed[key][number] = value
        problems += [_malformed(line, header, fault) for fault in faults]
    return keyed, problems


def _malformed(line: int, header: str, fault: str) -> Problem:
    return Problem(
        kind="malformed_attributes",
        message=f"Line {line}: {fault}.",
        fix='Write attributes as "key:value;key:value", each key once.',
        row=line,
        field=header,
    )


def _free(name: str, taken: Iterable[str]) -> str:
    """`name`, with an addition where the table already has a column called so."""
    while name in taken or name in BASE_COLUMNS:
        name += " (given)"
    return name


def _tasks(
    columns: dict[str, list[str]], keys: Collection[str], sheet: Sheet, label: str | None, options: Options
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Which columns are tasks and which are metadata: as vitrine.toml says, else by what they hold.

    `keys` are the columns that were attributes, `label` is the header of the class column, which vitrine.toml
    may use as well as `CLASS_TASK`.
    """

    def called(name: str) -> str:
        return CLASS_TASK if label is not None and name.casefold() == label.casefold() else name

    ignored = {called(name) for name in options.ignore}
    columns = {name: cells for name, cells in columns.items() if name not in ignored}
    cleaned = {name: clean_labels(cells, options.missing) for name, cells in columns.items()}
    labelled = {name: cells for name, cells in cleaned.items() if any(cells)}
    metadata = {called(name) for name in options.metadata}
    if options.tasks is not None:
        tasks = list(dict.fromkeys(called(name) for name in options.tasks))
    else:
        tasks = [
            name for name, cells in labelled.items() if name not in metadata and _is_task(name, cells, keys)
        ]
    if options.primary is not None:
        primary = called(options.primary)
        tasks = [primary, *(name for name in tasks if name != primary)]
    for name in tasks:
        if name not in labelled:
            raise _no_such_task(name, sheet, columns)
    if not tasks:
        raise DataError(
            f"{sheet.file} labels nothing",
            cause=f"None of its columns holds labels: {', '.join(sheet.columns)}.",
            fix='Add a column class_label, or name the tasks in vitrine.toml: tasks = ["..."].',
        )
    further = {name: cells for name, cells in columns.items() if name not in tasks and any(cells)}
    return {name: cleaned[name] for name in tasks}, further


def _is_task(name: str, cells: list[str], keys: Collection[str]) -> bool:
    """Whether a labelled column is a task: the class always; attributes unless they are numbers or text."""
    values = [cell for cell in cells if cell]
    if name == CLASS_TASK:
        return True
    if name in keys and len(set(values)) <= MOST_ATTRIBUTES:
        return not is_text_like(values)
    return is_label_like(values)


def _no_such_task(name: str, sheet: Sheet, columns: Iterable[str]) -> DataError:
    return DataError(
        f"{sheet.file} has no labels called '{name}'",
        cause=f"vitrine.toml names it under tasks or primary; there are: {', '.join(columns)}.",
        fix="Correct vitrine.toml.",
    )
