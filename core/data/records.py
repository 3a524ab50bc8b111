"""The rows of a data set as its owner wrote them, before anything is checked against the disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.data.dataset import Problem

CLASS_TASK = "class"
"""What the task is called that comes from a column of classes, or from folders."""


@dataclass(frozen=True)
class Records:
    """One entry per row in every list; text is "" where missing. `splits` is None where the form has none."""

    lines: list[int | None]
    paths: list[str]
    splits: list[str] | None
    instances: list[str]
    captions: list[str]
    labels: dict[str, list[str]]
    """Labels by task, the primary task first."""
    metadata: dict[str, list[str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)


def clean_labels(values: Iterable[str], missing: Iterable[str]) -> list[str]:
    """Labels with spaces made single and accents in one form; "" for anything that means "missing"."""
    markers = {marker.casefold() for marker in missing} | {""}
    known: dict[str, str] = {}
    for value in set(values := list(values)):
        text = unicodedata.normalize("NFC", " ".join(value.split()))
        known[value] = "" if text.casefold() in markers else text
    return [known[value] for value in values]
