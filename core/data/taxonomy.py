"""Tasks and their labels: data read from a data set and stored in a checkpoint, never written in code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import DataError

MISSING = -1
"""The code of a label that is missing or unknown: masked in losses and metrics."""


@dataclass(frozen=True)
class Task:
    """One thing to predict: its name and its ordered labels; a label's code is its position."""

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise DataError(
                f"Task '{self.name}' has no usable label list",
                cause=f"Its labels are {list(self.labels)!r}; they must be distinct and at least one.",
                fix="Give every image of this task one label, spelt one way.",
            )

    def encode(self, values: Iterable[str | None]) -> npt.NDArray[np.int32]:
        """Codes (N,) int32 of label strings; anything that is not one of the labels is `MISSING`."""
        codes = {label: code for code, label in enumerate(self.labels)}
        return np.fromiter((codes.get(value, MISSING) for value in values), dtype=np.int32)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Coverage:
    """How one label list covers another: labels in both, only in the wanted one, only in the given one."""

    mapped: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


@dataclass(frozen=True)
class Taxonomy:
    """The tasks of a data set or a checkpoint, the primary one first."""

    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.tasks):
            raise DataError(
                "Two tasks have one name", cause=f"Tasks: {list(self.names)!r}.", fix="Rename one."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks' names, in order."""
        return tuple(task.name for task in self.tasks)

    @property
    def primary(self) -> Task:
        """The first task: the object class where there is one."""
        return self.tasks[0]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Task:
        """The task called `name`. Raises DataError that lists the tasks there are."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise DataError(
            f"There is no task '{name}'",
            cause=f"The tasks are: {', '.join(self.names)}.",
            fix="Choose one of them.",
        )

    def coverage(self, wanted: Taxonomy, name: str) -> Coverage:
        """How this taxonomy's labels of task `name` cover `wanted`'s."""
        have = self[name].labels if name in self else ()
        want = wanted[name].labels if name in wanted else ()
        return Coverage(
            mapped=tuple(label for label in want if label in have),
            missing=tuple(label for label in want if label not in have),
            extra=tuple(label for label in have if label not in want),
        )

    def to_json(self) -> dict[str, list[str]]:
        """`{task: [label, ...]}` in order."""
        return {task.name: list(task.labels) for task in self.tasks}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Taxonomy:
        """The inverse of `to_json`."""
        return cls(tuple(Task(name, tuple(labels)) for name, labels in value.items()))
