"""What a search found, and why: hits with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data import Dataset
from core.retrieval.query import Term
from core.retrieval.source import Source


@dataclass(frozen=True)
class Evidence:
    """What one checkpoint says of one term for one image, and whether the ground truth agrees.

    `probability` is P(term), of the negated term where it is negated; `label` the wanted label that the head
    finds likeliest. `truth` is "" and `agrees` None where the label is not known.
    """

    words: str
    task: str
    label: str
    probability: float
    predicted: str
    truth: str
    agrees: bool | None
    negated: bool = False
    checkpoint: str = ""

    def text(self) -> str:
        """E.g. "blue ← color 'blue' 0.83, truth 'blue' agrees"."""
        told = "truth not known"
        if self.agrees is not None:
            told = f"truth '{self.truth}' {'agrees' if self.agrees else 'disagrees'}"
        wanted = f"not {self.label}" if self.negated else self.label
        return f"{self.words} ← {self.task} '{wanted}' {self.probability:.2f}, {told}"

    def to_json(self) -> dict[str, Any]:
        """All fields, and `text`."""
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "text": self.text()}


@dataclass(frozen=True)
class Hit:
    """One image found: its place from 1, its row, its score, its cosine where an image was asked for."""

    rank: int
    row: int
    score: float
    cosine: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Result:
    """A ranking: its best hits, how it was made, what to know about it."""

    query: str
    method: str
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    """The terms that hits were ranked by."""
    milliseconds: float = 0.0
    """Time the search took on the server, without building what it searches."""

    @property
    def rows(self) -> tuple[int, ...]:
        """The hits' rows, best first."""
        return tuple(hit.row for hit in self.hits)


def evidence(
    dataset: Dataset, sources: list[Source], terms: tuple[Term, ...], row: int
) -> tuple[Evidence, ...]:
    """What each source says of each term it knows, for one row."""
    found = []
    for source in sources:
        for term in terms:
            item = _evidence(dataset, source, term, row)
            if item is not None:
                found.append(item)
    return tuple(found)


def _evidence(dataset: Dataset, source: Source, term: Term, row: int) -> Evidence | None:
    beliefs = source.beliefs
    found = beliefs.term(term, slice(row, row + 1))
    if found is None or not np.isfinite(found[0]):
        return None
    likeliest = max(
        (option for option in term.options if beliefs.label(option.task, option.label) is not None),
        key=lambda option: float(beliefs.label(option.task, option.label)[row]),  # type: ignore[index]
    )
    truth, agrees = _truth(dataset, term, likeliest.task, row)
    return Evidence(
        words=term.words,
        task=likeliest.task,
        label=likeliest.label,
        probability=float(found[0]),
        predicted=beliefs.top(likeliest.task, row),
        truth=truth,
        agrees=agrees,
        negated=term.negated,
        checkpoint=source.name,
    )


def _truth(dataset: Dataset, term: Term, shown: str, row: int) -> tuple[str, bool | None]:
    """The true label of the task shown, and whether the row meets the term; None where that is not known."""
    labels = {task: true_label(dataset, task, row) for task in term.tasks}
    met = any(labels[option.task] == option.label for option in term.options)
    if not met and "" in labels.values():
        return labels.get(shown, ""), None
    return labels.get(shown, ""), met != term.negated


def true_label(dataset: Dataset, task: str, row: int) -> str:
    """The true label of `task` for `row`; "" where it is missing or the data set has no such task."""
    if task not in dataset.taxonomy:
        return ""
    code = int(dataset.codes(task)[row])
    return dataset.taxonomy[task].labels[code] if code >= 0 else ""
