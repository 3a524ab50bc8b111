"""The table of a data set and its fingerprint."""

from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.data.checks import LINE
from core.data.domain import natural_key
from core.data.options import MadeSplit
from core.data.records import Records
from core.data.rows import Usable
from core.data.splits import groups, make_split
from core.data.taxonomy import Task, Taxonomy
from core.errors import DataError

LEADING_ZERO = re.compile(r"[-+]?0\d")


def build_table(records: Records, usable: Usable, options: MadeSplit) -> tuple[pd.DataFrame, Taxonomy]:
    """A data set's table with the further column `LINE`, and its taxonomy. A missing split is made.

    Raises DataError when no row has a label.
    """
    numbers = usable.numbers
    table = pd.DataFrame(
        {
            "image_id": [hashlib.sha256(path.encode()).hexdigest()[:16] for path in usable.paths],
            "path": usable.paths,
            "sha": [fact.sha for fact in usable.facts],
            "split": usable.splits if usable.splits is not None else [""] * len(numbers),
            "instance_id": [records.instances[number] for number in numbers],
            "caption": [records.captions[number] for number in numbers],
            "width": np.array([fact.width for fact in usable.facts], dtype=np.int32),
            "height": np.array([fact.height for fact in usable.facts], dtype=np.int32),
            LINE: np.array([records.lines[number] or 0 for number in numbers], dtype=np.int64),
        }
    )
    tasks = []
    for name, cells in records.labels.items():
        values = [cells[number] or None for number in numbers]
        labels = tuple(sorted({value for value in values if value}, key=natural_key))
        if labels:
            tasks.append(Task(name, labels))
            table[name] = categories(tasks[-1], tasks[-1].encode(values))
    if not tasks:
        raise DataError(
            "No image has a label", cause="Every label is missing.", fix="Fill in at least one column."
        )
    for name, cells in records.metadata.items():
        table[name] = numbers_or_text([cells[number] for number in numbers])
    taxonomy = Taxonomy(tuple(tasks))
    if usable.splits is None:
        table["split"] = _made_split(table, taxonomy, options)
    return table, taxonomy


def categories(task: Task, codes: npt.NDArray[np.int32]) -> pd.Categorical:
    """The column of `task` from label codes (N,), -1 where missing."""
    return pd.Categorical.from_codes(codes, categories=pd.Index(task.labels, dtype="str"))


def numbers_or_text(cells: list[str]) -> pd.Series:
    """Numbers (NaN where missing) when every cell that is filled is one, else text ("" where missing).

    Cells such as "007" are text: they name something.
    """
    text = pd.Series(cells, dtype="str")
    filled = [cell for cell in cells if cell]
    if not filled or any(LEADING_ZERO.match(cell) for cell in filled):
        return text
    numbers = pd.to_numeric(text.where(text != ""), errors="coerce")
    return numbers if bool(np.isfinite(numbers[text != ""]).all()) else text


def fingerprint(table: pd.DataFrame, taxonomy: Taxonomy) -> str:
    """32 hex digits over all that is said of the images, and their bytes; not over rows' order or times.

    Two data sets with one fingerprint have the same rows in the same order: results may be cached by it.
    """
    columns = sorted(name for name in table.columns if name not in ("image_id", "width", "height"))
    ordered = table.sort_values("path", kind="stable", ignore_index=True)
    labels = sorted(taxonomy.to_json().items())
    digest = hashlib.sha256(json.dumps(["dataset-1", taxonomy.primary.name, labels, columns]).encode())
    for name in columns:
        cells = ordered[name].cat.codes if name in taxonomy else ordered[name]
        digest.update(json.dumps(cells.astype("str").fillna("").tolist()).encode())
    return digest.hexdigest()[:32]


def _made_split(table: pd.DataFrame, taxonomy: Taxonomy, options: MadeSplit) -> list[str]:
    hashes = table["sha"].tolist()
    codes = table[taxonomy.primary.name].cat.codes.to_numpy().astype(np.int32)
    return make_split(codes, groups(table["instance_id"].tolist(), hashes), hashes, options)
