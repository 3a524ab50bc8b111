"""The data set: a table with one row per usable image, a taxonomy, a fingerprint, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.taxonomy import Taxonomy
from core.errors import DataError

BASE_COLUMNS = ("image_id", "path", "sha", "split", "instance_id", "caption", "width", "height")
"""Columns that every data set's table has, beside one per task and any further metadata columns."""

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set, named so that a person can go and mend it."""

    kind: str
    """E.g. missing_file, unreadable_image, outside_root, duplicate_path, unknown_split, empty_label,
    near_synonym, unseen_in_train, duplicate_image."""
    message: str
    fix: str
    row: int | None = None
    """Line in the CSV file (the header is line 1), or None where no single row is meant."""
    path: str | None = None
    field: str | None = None
    quarantined: bool = False
    """True where the row was left out; False for a warning."""


@dataclass(frozen=True)
class ValidationReport:
    """Every problem found in a data set; `rows` counts the rows read, `quarantined` those left out."""

    rows: int
    problems: tuple[Problem, ...] = ()

    @property
    def quarantined(self) -> int:
        """How many rows were left out."""
        return len({problem.row or problem.path for problem in self.problems if problem.quarantined})

    def counts(self) -> dict[str, int]:
        """Problems per kind, most frequent first."""
        kinds = pd.Series([problem.kind for problem in self.problems], dtype="object")
        return {str(kind): int(n) for kind, n in kinds.value_counts().items()}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as everything else sees it. Treat `table` as read-only: it is shared between pages.

    `table` (N rows, RangeIndex) has `BASE_COLUMNS` and one categorical column per task whose categories are
    exactly the task's labels (missing labels are NaN). Rows are in the order of `path`, which is relative to
    `root` in POSIX form; `image_id` is 16 hex digits of its hash, `sha` the SHA-256 of the image's bytes (the
    key of features and thumbnails), `instance_id` and `caption` are "" where unknown. `width` and `height`
    are in pixels, of the image turned upright.
    """

    name: str
    root: Path
    table: pd.DataFrame
    taxonomy: Taxonomy
    fingerprint: str
    """32 hex digits over image bytes, splits, labels and whatever else the table says."""
    report: ValidationReport
    metadata: tuple[str, ...] = field(default=())
    """Further columns of the table: not predicted, but good for slicing."""

    def __len__(self) -> int:
        return len(self.table)

    def codes(self, task: str) -> npt.NDArray[np.int32]:
        """Label codes (N,) int32 of `task`, -1 where missing. Raises DataError for an unknown task."""
        return self._codes[self.taxonomy[task].name]

    @cached_property
    def _codes(self) -> dict[str, npt.NDArray[np.int32]]:
        names = self.taxonomy.names
        found = {name: np.array(self.table[name].cat.codes, dtype=np.int32) for name in names}
        for array in found.values():
            array.flags.writeable = False
        return found

    @cached_property
    def has_instances(self) -> bool:
        """Whether objects are known, so that intervals can be clustered by them."""
        return bool((self.table["instance_id"] != "").any())

    @cached_property
    def instances(self) -> npt.NDArray[np.int64]:
        """Object numbers (N,) int64: rows of one object share a number; a row without one has its own."""
        ids = self.table["instance_id"].astype(str)
        alone = ids == ""
        keys = ids.where(~alone, "\0" + self.table["image_id"].astype(str))
        return np.asarray(pd.factorize(keys)[0], dtype=np.int64)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows, in the order train, val, test."""
        present = set(self.table["split"].astype(str))
        return tuple(name for name in SPLITS if name in present)

    def split_mask(self, split: str | Literal["all"]) -> npt.NDArray[np.bool_]:
        """Which rows (N,) bool belong to `split`, or all. Raises DataError for an unknown split."""
        if split == "all":
            return np.ones(len(self), dtype=bool)
        if split not in self.splits:
            raise DataError(
                f"There is no split '{split}'",
                cause=f"The splits are: {', '.join(self.splits)}.",
                fix="Choose one.",
            )
        return (self.table["split"].astype(str) == split).to_numpy()

    def file(self, row: int) -> Path:
        """Absolute path of row `row`'s image, checked again to lie inside the root. Raises DataError."""
        relative = str(self.table["path"].iat[row])
        path = (self.root / relative).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise DataError(
                f"'{relative}' leads outside the data set",
                cause=f"The root is {self.root.name}.",
                fix="Move the file.",
            )
        return path
