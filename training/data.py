"""What the loop trains on: files, label codes and splits, with further unlabelled images where asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.dataset import Dataset
from core.data.images import SUFFIXES
from core.data.opening import open_dataset
from core.data.taxonomy import MISSING, Taxonomy
from core.errors import DataError
from core.progress import Progress, silent
from training.recipe import Recipe

Rows = npt.NDArray[np.int64]
MAX_EXTRA_IMAGES = 1_000_000


@dataclass(frozen=True, eq=False)
class TrainingData:
    """N images: `files`, `labels` {task: (N,) int64, -1 missing}, and the rows of each split."""

    name: str
    fingerprint: str
    taxonomy: Taxonomy
    files: tuple[Path, ...]
    labels: dict[str, Tensor]
    train: Rows
    val: Rows
    test: Rows

    @property
    def primary(self) -> npt.NDArray[np.int32]:
        """Primary label codes (N,) int32."""
        return self.labels[self.taxonomy.primary.name].numpy().astype(np.int32)

    def without(self, broken: Iterable[int]) -> TrainingData:
        """The same without rows whose images cannot be read. Raises DataError where a split runs empty."""
        gone = np.asarray(sorted(broken), dtype=np.int64)
        train, val, test = (np.setdiff1d(rows, gone) for rows in (self.train, self.val, self.test))
        return _checked(replace(self, train=train, val=val, test=test))


def training_data(
    dataset: Dataset,
    extra_folders: Iterable[str] = (),
    further: Sequence[Dataset] = (),
    taxonomy: Taxonomy | None = None,
) -> TrainingData:
    """The training view of a data set; images below `extra_folders` join the training rows without labels.

    The training images of the data sets `further` join too, with those of their labels that `dataset` has.
    A file that is byte for byte a validation or test image of `dataset` is left out. `taxonomy` has the tasks
    that are trained (default: all).

    Raises DataError where there is nothing to train on or to validate with.
    """
    taxonomy = taxonomy or dataset.taxonomy
    joined = [Part.of(dataset, range(len(dataset)), taxonomy)]
    joined += [joining(other, dataset, taxonomy) for other in further]
    joined.append(Part.blank(_extra_files(extra_folders), taxonomy))
    files = tuple(file for part in joined for file in part.files)
    labels = {
        name: torch.from_numpy(np.concatenate([part.codes[name] for part in joined]))
        for name in taxonomy.names
    }
    more = np.arange(len(dataset), len(files), dtype=np.int64)
    return _checked(
        TrainingData(
            name=dataset.name,
            fingerprint=dataset.fingerprint,
            taxonomy=taxonomy,
            files=files,
            labels=labels,
            train=np.concatenate([_rows(dataset, "train"), more]),
            val=_rows(dataset, "val"),
            test=_rows(dataset, "test"),
        )
    )


@dataclass(frozen=True, eq=False)
class Part:
    """Some images and their codes {task: (N,) int64} in the order of one taxonomy."""

    files: tuple[Path, ...]
    codes: dict[str, Rows]

    @classmethod
    def of(cls, dataset: Dataset, rows: Iterable[int], taxonomy: Taxonomy) -> Part:
        """Rows of a data set; a label that `taxonomy` lacks is missing."""
        chosen = np.fromiter(rows, dtype=np.int64)
        files = tuple(dataset.file(int(row)) for row in chosen)
        codes = cls.blank(files, taxonomy).codes
        for task in taxonomy.tasks:
            if task.name not in dataset.taxonomy:
                continue
            known = {label: code for code, label in enumerate(task.labels)}
            places = [known.get(label, MISSING) for label in dataset.taxonomy[task.name].labels]
            lookup = np.array([*places, MISSING], dtype=np.int64)  # the last one is for MISSING, -1
            codes[task.name] = lookup[dataset.codes(task.name)[chosen]]
        return cls(files, codes)

    @classmethod
    def blank(cls, files: tuple[Path, ...], taxonomy: Taxonomy) -> Part:
        """Images without labels."""
        return cls(files, {name: np.full(len(files), MISSING, dtype=np.int64) for name in taxonomy.names})


def joining(other: Dataset, dataset: Dataset, taxonomy: Taxonomy) -> Part:
    """The training images of a further data set that join those of `dataset`, with the labels known here."""
    return Part.of(other, _new_rows(other, dataset), taxonomy)


def _new_rows(other: Dataset, dataset: Dataset) -> Rows:
    """The training rows of `other` whose bytes are no validation or test image of `dataset`."""
    held_out = set(np.delete(dataset.table["sha"].to_numpy(), _rows(dataset, "train")))
    rows = _rows(other, "train")
    fresh = [sha not in held_out for sha in other.table["sha"].to_numpy()[rows]]
    kept: Rows = rows[np.asarray(fresh, dtype=bool)]
    return kept


def trained_tasks(tasks: Sequence[str], dataset: Dataset) -> Taxonomy:
    """The tasks that get a head: those named and the primary one, or all.

    Raises DataError for one that the data set does not have.
    """
    whole = dataset.taxonomy
    chosen = {whole[name].name for name in tasks} | {whole.primary.name}
    return Taxonomy(tuple(t for t in whole.tasks if t.name in chosen)) if tasks else whole


def further_sets(recipe: Recipe, cache: Path, progress: Progress = silent) -> tuple[Dataset, ...]:
    """The further data sets that a recipe names. Raises DataError, Cancelled."""
    folders = (Path(folder).expanduser() for folder in recipe.extra_data)
    return tuple(open_dataset(folder, cache=cache, progress=progress) for folder in folders)


def further_images(recipe: Recipe, dataset: Dataset, cache: Path) -> dict[str, int]:
    """How many images of each further folder join the training, by the folder's name."""
    found = {other.name: len(_new_rows(other, dataset)) for other in further_sets(recipe, cache)}
    for folder in recipe.distillation.extra_images if recipe.distillation else ():
        path = Path(folder).expanduser()
        name = path.name if path.name != "images" else path.parent.name
        found[name] = found.get(name, 0) + len(_extra_files([folder]))
    return found


def _rows(dataset: Dataset, split: str) -> Rows:
    if split not in dataset.splits:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(dataset.split_mask(split)).astype(np.int64)


def _checked(data: TrainingData) -> TrainingData:
    for split, rows, least in (("train", data.train, 2), ("val", data.val, 1)):
        if len(rows) < least:
            raise DataError(
                f"'{data.name}' cannot be trained on",
                cause=f"Its split '{split}' has {len(rows)} usable images; {least} are needed.",
                fix="Give images of this split, or leave the split column out to have one made.",
            )
    return data


def _extra_files(folders: Iterable[str]) -> tuple[Path, ...]:
    found: list[Path] = []
    for name in folders:
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise DataError(
                "A folder of further images is missing",
                cause=f"There is no folder {folder}.",
                fix="Correct distillation.extra_images.",
            )
        found += sorted(
            path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
        )
    return tuple(found[:MAX_EXTRA_IMAGES])
