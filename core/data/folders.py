"""A folder per class: labels, and splits where there are such folders, read from where the images lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from core.data.dataset import Problem
from core.data.images import SUFFIXES
from core.data.options import Options
from core.data.records import CLASS_TASK, Records, clean_labels
from core.data.scan import Scan
from core.data.splits import split_names
from core.errors import DataError


def folder_records(scan: Scan, options: Options) -> Records:
    """Rows of a folder per class, or of train/val/test folders that hold one each.

    Raises DataError when no image lies in a folder of its own.
    """
    paths = sorted(
        path for path in (*scan.files, *scan.escapes) if PurePosixPath(path).suffix.lower() in SUFFIXES
    )
    folders = [PurePosixPath(path).parent.parts for path in paths]
    folders = _unwrapped(folders)
    aliases = split_names(options)
    splits = [aliases.get(parts[0].casefold(), "") if parts else "" for parts in folders]
    has_splits = _are_splits(folders, splits)
    if has_splits:
        folders = [parts[1:] if split else parts for parts, split in zip(folders, splits, strict=True)]
    placed = [
        bool(parts) and (bool(split) or not has_splits) for parts, split in zip(folders, splits, strict=True)
    ]
    if not any(placed):
        raise DataError(
            f"'{scan.root.name}' holds no data set",
            cause="There is no labels.csv, and no folder per class with images in it.",
            fix="Add a labels.csv (image_path,class_label), or put the images in a folder per class.",
        )
    keep = [number for number, good in enumerate(placed) if good]
    labels = clean_labels((_label(folders[number], options) for number in keep), options.missing)
    return Records(
        lines=[None] * len(keep),
        paths=[paths[number] for number in keep],
        splits=[splits[number] for number in keep] if has_splits else None,
        instances=[""] * len(keep),
        captions=[""] * len(keep),
        labels={CLASS_TASK: labels},
        problems=(*_misplaced(paths, placed), *_misnamed(scan.misnamed)),
    )


def _unwrapped(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Folders without an outer one that all images share, such as "images/", as long as it holds folders."""
    while folders and all(len(parts) > 1 for parts in folders) and len({parts[0] for parts in folders}) == 1:
        folders = [parts[1:] for parts in folders]
    return folders


def _are_splits(folders: Iterable[tuple[str, ...]], splits: Iterable[str]) -> bool:
    """Whether the outermost folders are splits: two at least, or one with folders and nothing beside it."""
    found = [(parts, split) for parts, split in zip(folders, splits, strict=True) if parts]
    named = {split for parts, split in found if split and len(parts) > 1}
    return len(named) > 1 or (bool(named) and all(split for _, split in found))


def _label(parts: tuple[str, ...], options: Options) -> str:
    choice = {"first": parts[0], "last": parts[-1], "path": "/".join(parts)}
    return choice[options.class_folder]


def _misplaced(paths: Iterable[str], placed: Iterable[bool]) -> Iterator[Problem]:
    for path, good in zip(paths, placed, strict=True):
        if not good:
            yield Problem(
                kind="outside_class_folder",
                message=f"'{path}' lies in no class's folder.",
                fix="Move it into the folder of its class, or take it out.",
                path=path,
                quarantined=True,
            )


def _misnamed(paths: Iterable[str]) -> Iterator[Problem]:
    for path in paths:
        if _is_image(path):
            yield Problem(
                kind="unreadable_name",
                message=f"The name of '{path}' is not UTF-8.",
                fix="Rename the file.",
                path=path,
                quarantined=True,
            )


def _is_image(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in SUFFIXES
