"""Opening a data set: scan, read, locate and examine, split, check, fingerprint."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from core.data.checks import LINE, check
from core.data.columns import has_path_column, sheet_records
from core.data.dataset import Dataset, Problem, ValidationReport
from core.data.folders import folder_records
from core.data.manifest import Manifest
from core.data.options import FILE, Options, read_options
from core.data.records import Records
from core.data.rows import Usable, usable_rows
from core.data.scan import Scan, scan
from core.data.sheet import read_sheet
from core.data.table import build_table, fingerprint
from core.errors import DataError
from core.progress import Progress, silent

USUAL_CSV = "labels.csv"


def open_dataset(root: Path, *, cache: Path | None = None, progress: Progress = silent) -> Dataset:
    """Read the data set in the folder `root`: a CSV file, a folder per class, or as vitrine.toml says.

    Every image is decoded once; rows that cannot be used are left out and named in the report.
    With `cache` (a folder) what was found is kept, so that only changed files are read when it is opened
    again. `progress` counts the images that are read. Rows come in the order of their paths.

    Raises DataError when no row can be used, and Cancelled when `progress` does.
    """
    found, options, csv = look(Path(root))
    texts = [path for path in (csv, FILE) if path is not None and path in found.files]
    manifest = None if cache is None else Manifest(cache, found, texts)
    if manifest is not None and (kept := manifest.read()) is not None:
        return kept
    records = _records(found, csv, options)
    usable = usable_rows(records, found, options, cache=cache, progress=progress)
    dataset = _dataset(found, options, records, usable)
    return dataset if manifest is None or not usable.complete else manifest.write(dataset)


def look(root: Path) -> tuple[Scan, Options, str | None]:
    """What lies in the folder `root`, its options, and the CSV file with the rows (None: a folder per class).

    Raises DataError where the folder or vitrine.toml cannot be read.
    """
    found = scan(root)
    options = read_options(found.root) if FILE in found.files else Options()
    return found, options, _csv_file(found, options)


def _csv_file(found: Scan, options: Options) -> str | None:
    """The CSV file with the rows: the one vitrine.toml names, labels.csv, or the only one with paths."""
    if options.csv is not None:
        if options.csv not in found.files:
            raise DataError(
                f"There is no file '{options.csv}'",
                cause=f"{FILE} names it as the CSV file of '{found.root.name}'.",
                fix=f"Correct csv in {FILE}.",
            )
        return options.csv
    if USUAL_CSV in found.files:
        return USUAL_CSV
    others = [path for path in found.files if "/" not in path and path.lower().endswith((".csv", ".tsv"))]
    if len(others) == 1 and has_path_column(read_sheet(found.root / others[0], options), options):
        return others[0]
    return None


def _records(found: Scan, csv: str | None, options: Options) -> Records:
    if csv is None:
        return folder_records(found, options)
    return sheet_records(read_sheet(found.root / csv, options), options)


def _dataset(found: Scan, options: Options, records: Records, usable: Usable) -> Dataset:
    problems = [*records.problems, *usable.problems]
    rows = len(records) + sum(problem.quarantined for problem in records.problems)
    if not usable.numbers:
        raise _nothing_left(found.root.name, rows, problems)
    table, taxonomy = build_table(records, usable, options.split)
    problems += check(table, taxonomy)
    table = table.drop(columns=LINE)
    return Dataset(
        name=options.name or found.root.name,
        root=found.root,
        table=table,
        taxonomy=taxonomy,
        fingerprint=fingerprint(table, taxonomy),
        report=ValidationReport(rows, tuple(sorted(problems, key=_place))),
        metadata=tuple(records.metadata),
    )


def _place(problem: Problem) -> tuple[bool, int, str]:
    """Rows that were left out come first, then in the order of the file."""
    return (not problem.quarantined, problem.row or 0, problem.path or "")


def _nothing_left(name: str, rows: int, problems: list[Problem]) -> DataError:
    left_out = sorted((problem for problem in problems if problem.quarantined), key=_place)
    if not left_out:
        return DataError(f"'{name}' has no rows", cause="Its table is a header only.", fix="Add rows to it.")
    listed = ", ".join(
        f"{n} {kind}" for kind, n in Counter(problem.kind for problem in left_out).most_common()
    )
    return DataError(
        f"No row of '{name}' can be used",
        cause=f"{rows} rows were read and all left out ({listed}). The first: {left_out[0].message}",
        fix=left_out[0].fix,
    )
