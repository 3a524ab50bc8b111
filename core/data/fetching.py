"""Public data sets, fetched with git: cloned beside their place, looked at, and only then put there."""

from __future__ import annotations

import secrets
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.data.cloning import clone, origin
from core.data.dataset import Dataset
from core.data.opening import USUAL_CSV, open_dataset
from core.data.options import FILE
from core.errors import DataError
from core.progress import Progress, silent

TABLE = Path(__file__).with_name("sources.toml")
DEEPEST = 4
"""So many folders below the clone a labels.csv is looked for."""


@dataclass(frozen=True)
class Source:
    """A public data set: its short name, where it lies, and what it holds."""

    name: str
    url: str
    about: str


@dataclass(frozen=True, eq=False)
class Fetched:
    """A data set on this machine: the clone's `folder`, and whether it was `new` or lay there already."""

    source: Source
    folder: Path
    dataset: Dataset
    new: bool


def sources() -> Mapping[str, Source]:
    """The data sets that can be fetched, by name."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    return {name: Source(name, str(row["url"]), str(row["about"])) for name, row in table.items()}


def fetch(
    source: Source, folder: Path, *, cache: Path | None = None, timeout: float, progress: Progress = silent
) -> Fetched:
    """Clone `source` into `folder`, or find it there, and open it.

    `folder` appears complete and usable, or not at all. Raises DataError: no git, no connection, `timeout`
    (seconds) over, something else in `folder`, or no labels.csv in the clone of which a row can be used.
    """
    if folder.exists():
        if origin(folder) != source.url:
            raise DataError(
                f"'{folder}' is there already, and is not {source.name}",
                cause=f"It was not cloned from {source.url}.",
                fix="Name another folder with --to, or move this one away.",
            )
        return Fetched(source, folder, open_dataset(labels_folder(folder), cache=cache), new=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.parent / f".{folder.name}.{secrets.token_hex(6)}.tmp"
    try:
        clone(source.url, draft, timeout=timeout, progress=progress)
        inside = labels_folder(draft)
        _name(inside, source)
        open_dataset(inside, progress=progress)  # refuse before it takes its place
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    dataset = open_dataset(folder / inside.relative_to(draft), cache=cache, progress=progress)
    return Fetched(source, folder, dataset, new=True)


def labels_folder(clone: Path) -> Path:
    """The folder in `clone` that holds labels.csv, the least deep one. Raises DataError where there is none.

    Links are not followed and hidden folders are passed over.
    """
    level = [clone]
    for _ in range(DEEPEST + 1):
        for folder in level:
            if (folder / USUAL_CSV).is_file():
                return folder
        level = [inner for folder in level for inner in sorted(folder.iterdir()) if _is_folder(inner)]
    raise DataError(
        f"There is no {USUAL_CSV} in what was fetched",
        cause="The repository holds no data set in a form that Vitrine reads, or has moved it.",
        fix="Look at the repository, or name a mirror with --from.",
    )


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not path.name.startswith(".")


def _name(inside: Path, source: Source) -> None:
    """Let the data set go by its short name, by which its checkpoints know it, wherever it lies in the
    clone."""
    if not (inside / FILE).exists():
        (inside / FILE).write_text(f'name = "{source.name}"\n', "utf-8")
