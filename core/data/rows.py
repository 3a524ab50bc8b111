"""Rows against the disk: which file each means, whether it can be used, and in which split it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import Problem
from core.data.facts import Fact, examine
from core.data.options import Options
from core.data.paths import Refusal, locate, stamp
from core.data.records import Records
from core.data.scan import Scan
from core.data.splits import split_names
from core.progress import Progress


@dataclass(frozen=True)
class Usable:
    """The rows that can be used, in the order of their paths.

    `numbers` are their places in the records, `splits` is None where one is to be made. `complete` says that
    what was found depends on nothing but the scan, so that it may be kept.
    """

    numbers: list[int]
    paths: list[str]
    facts: list[Fact]
    splits: list[str] | None
    problems: list[Problem]
    complete: bool


def usable_rows(
    records: Records, found: Scan, options: Options, *, cache: Path | None, progress: Progress
) -> Usable:
    """Locate, place and examine every row; those that cannot be used are left out and named."""
    splits, problems = _splits(records, options)
    located, refusals = _locate(records, found, options, splits)
    stamped = [(path, *stamp(path, found)) for path in located]
    facts, note = examine(found.root, stamped, max_pixels=options.max_pixels, cache=cache, progress=progress)
    faulty = [
        _unreadable(records.lines[number], path, facts[path].fault)
        for path, number in located.items()
        if facts[path].fault
    ]
    good = sorted((path, number) for path, number in located.items() if not facts[path].fault)
    numbers = [number for _, number in good]
    return Usable(
        numbers=numbers,
        paths=[path for path, _ in good],
        facts=[facts[path] for path, _ in good],
        splits=None if splits is None else [splits[number] for number in numbers],
        problems=[*problems, *refusals, *faulty, *([not_cached(note)] if note else [])],
        complete=all(path in found.files and facts[path].sha for path in located),
    )


def located_rows(records: Records, found: Scan, options: Options) -> dict[str, int]:
    """Row numbers by the path of the image that they mean, of rows that are in a split."""
    return _locate(records, found, options, _splits(records, options)[0])[0]


def not_cached(reason: str) -> Problem:
    """The problem of a cache that cannot be written: the data set works, but opens slowly again."""
    return Problem(
        kind="not_cached",
        message=f"What was read could not be kept for the next time ({reason}).",
        fix="Make room on the disk that holds the cache folder.",
    )


def at(line: int | None) -> str:
    """How a message about a row begins."""
    return "" if line is None else f"Line {line}: "


def _locate(
    records: Records, found: Scan, options: Options, splits: Sequence[str] | None
) -> tuple[dict[str, int], list[Problem]]:
    """Row numbers by path, for rows that are in a split; the first row of a path counts."""
    located: dict[str, int] = {}
    problems: list[Problem] = []
    for number, (line, written) in enumerate(zip(records.lines, records.paths, strict=True)):
        path = locate(written, found, options.images)
        if isinstance(path, Refusal):
            problems.append(
                Problem(path.kind, at(line) + path.message, path.fix, line, written, quarantined=True)
            )
        elif splits is None or splits[number]:
            first = located.setdefault(path, number)
            if first != number:
                problems.append(_twice(line, path, records.lines[first]))
    return located, problems


def _splits(records: Records, options: Options) -> tuple[list[str] | None, list[Problem]]:
    """A split name per row, "" where it is not one; None when there is no split at all."""
    if records.splits is None:
        return None, []
    known = split_names(options)
    splits = [known.get(written.casefold(), "") for written in records.splits]
    problems = [
        Problem(
            kind="unknown_split",
            message=at(line) + (f"'{written}' is no split." if written else "the split is missing."),
            fix="Write train, val or test, or add this spelling under [splits] in vitrine.toml.",
            row=line,
            path=path,
            field="split",
            quarantined=True,
        )
        for line, path, written, split in zip(
            records.lines, records.paths, records.splits, splits, strict=True
        )
        if not split
    ]
    return splits, problems


def _unreadable(line: int | None, path: str, fault: str) -> Problem:
    return Problem(
        kind="unreadable_image",
        message=f"{at(line)}'{path}' cannot be used. {fault}",
        fix="Replace the file, or take the row out.",
        row=line,
        path=path,
        quarantined=True,
    )


def _twice(line: int | None, path: str, first: int | None) -> Problem:
    return Problem(
        kind="duplicate_path",
        message=f"{at(line)}'{path}' stands on line {first} already, and that row counts.",
        fix="Keep one of the two rows.",
        row=line,
        path=path,
        quarantined=True,
    )
