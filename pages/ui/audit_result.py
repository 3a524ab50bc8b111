"""The stored audit of a data set: a JSON file under the cache, written by `python -m core audit --out`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.audit.kept import audit_file, read_audit
from core.data import Dataset
from core.models import Checkpoint
from pages.ui import resources
from pages.ui.state import View, usable_checkpoints

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Result:
    """What the audit wrote (`Audit.to_json`), and the row number of each path; `when` is the file's time."""

    value: Mapping[str, Any]
    places: Mapping[str, int]
    when: float

    def entries(self, name: str) -> list[dict[str, Any]]:
        """The list `name`, without entries whose image is not in the data set."""
        return [one for one in self.value.get(name, []) if "path" not in one or one["path"] in self.places]

    def issues(self, task: str) -> list[dict[str, Any]]:
        """Suspected labels of one head, the worst first."""
        return [one for one in self.value["label_issues"].get(task, []) if one["path"] in self.places]

    def rows(self, entries: Iterable[Mapping[str, Any]]) -> Rows:
        """Row numbers (M,) of the entries' images, in their order."""
        return np.array([self.places[one["path"]] for one in entries], dtype=np.int64)

    def verdict(self, task: str) -> str:
        """Whether the head can be learnt; empty where that was not judged."""
        return str(self.value["learnability"].get(task, {}).get("verdict", ""))


def auditor(view: View) -> Checkpoint:
    """Whose features judge: the view's checkpoint or else another one whose backbone has not learnt these
    labels by heart; the view's own where there is none."""
    known = [view.checkpoint, *usable_checkpoints(view.dataset)]
    fresh = (one for one in known if one.card.frozen_without(view.dataset.name))
    return next(fresh, view.checkpoint)


def result_file(dataset: Dataset, checkpoint: Checkpoint) -> Path:
    """Where the audit of `dataset` by the features of `checkpoint` lies."""
    return audit_file(resources.settings().cache, dataset, checkpoint.hash)


def read_result(dataset: Dataset, checkpoint: Checkpoint) -> Result | None:
    """The stored audit, or None where there is none that can be read."""
    file = result_file(dataset, checkpoint)
    try:
        stat = file.stat()
    except OSError:
        return None
    return _read(str(file), stat.st_mtime_ns, stat.st_size, dataset)


@st.cache_resource(show_spinner="Reading the audit", max_entries=4)
def _read(file: str, changed: int, size: int, _dataset: Dataset) -> Result | None:
    value = read_audit(Path(file))
    if value is None:
        return None
    places = {path: row for row, path in enumerate(_dataset.table["path"].astype(str))}
    return Result(value, places, changed / 1e9)
