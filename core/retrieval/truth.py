"""Queries whose right answers are known: every combination of labels that occurs in the ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.retrieval.descriptions import description
from core.retrieval.lexicon import Lexicon, Option
from core.retrieval.query import Term

DEPTH = 3
"""Labels in the longest queries: the primary one and two more."""
PER_TYPE = 400
"""Queries of one type at most; more are sampled, the same ones every time."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TruthQuery:
    """A query made of true labels, one of each task of its type, the primary label last."""

    text: str
    options: tuple[Option, ...]

    @property
    def type(self) -> str:
        """The tasks it names, e.g. "color + class"."""
        return " + ".join(option.task for option in self.options)


@dataclass(frozen=True)
class TruthQueries:
    """Queries with a right answer among `rows`, and how many of each type there would have been."""

    queries: tuple[TruthQuery, ...]
    rows: npt.NDArray[np.int64]
    """The rows searched (M,)."""
    present: dict[str, int]
    """Combinations in the ground truth by type; more than `PER_TYPE` are sampled."""


def query_types(tasks: tuple[str, ...], depth: int = DEPTH) -> Iterator[tuple[str, ...]]:
    """Which tasks are asked for together: each alone, then the primary (first) one with up to `depth` - 1
    others, which come before it."""
    primary, *others = tasks
    yield (primary,)
    yield from ((task,) for task in others)
    for n in range(1, depth):
        yield from ((*chosen, primary) for chosen in combinations(others, n))


def truth_queries(
    dataset: Dataset, rows: npt.NDArray[np.int64], lexicon: Lexicon, depth: int = DEPTH
) -> TruthQueries:
    """Every combination of true labels on `rows`, by type. Labels that mean one thing (grey, gray) make one
    query."""
    found: list[TruthQuery] = []
    present: dict[str, int] = {}
    for tasks in query_types(dataset.taxonomy.names, depth):
        table = np.stack(
            [_leaders(dataset, lexicon, task)[dataset.codes(task)[rows]] for task in tasks], axis=1
        )
        combos = np.unique(table[(table >= 0).all(axis=1)], axis=0)
        if not len(combos):
            continue
        present[" + ".join(tasks)] = len(combos)
        if len(combos) > PER_TYPE:
            drawn = np.random.default_rng(len(combos)).choice(len(combos), PER_TYPE, replace=False)
            combos = combos[np.sort(drawn)]
        found += [_query(dataset, tasks, codes) for codes in combos]
    return TruthQueries(tuple(found), rows, present)


def relevance(dataset: Dataset, lexicon: Lexicon, asked: TruthQueries) -> Iterator[tuple[Bools, Bools]]:
    """Per query which of its rows (M,) are right, and which can be judged at all: all its labels known."""
    truth: dict[Option, Bools] = {}
    known = {task: dataset.codes(task)[asked.rows] >= 0 for task in dataset.taxonomy.names}
    for query in asked.queries:
        for option in query.options:
            if option not in truth:
                truth[option] = _labelled(dataset, lexicon, option, asked.rows)
        right = np.logical_and.reduce([truth[option] for option in query.options])
        judged = np.logical_and.reduce([known[option.task] for option in query.options])
        yield right, judged


def fitting(dataset: Dataset, terms: Sequence[Term]) -> tuple[Bools, Bools]:
    """Which rows (N,) truly meet every term, and of which that is known."""
    met = np.ones(len(dataset), dtype=bool)
    failed = np.zeros(len(dataset), dtype=bool)
    for term in terms:
        wanted, missing = np.zeros_like(met), np.zeros_like(met)
        for task in term.tasks:
            if task not in dataset.taxonomy:
                missing[:] = True
                continue
            codes, labels = dataset.codes(task), dataset.taxonomy[task].labels
            named = [option.label for option in term.options if option.task == task]
            wanted |= np.isin(codes, [labels.index(label) for label in named if label in labels])
            missing |= codes < 0
        known = wanted | ~missing
        agrees = wanted != term.negated
        met &= known & agrees
        failed |= known & ~agrees
    return met, met | failed


def _query(dataset: Dataset, tasks: tuple[str, ...], codes: npt.NDArray[np.int32]) -> TruthQuery:
    options = tuple(
        Option(task, dataset.taxonomy[task].labels[code]) for task, code in zip(tasks, codes, strict=True)
    )
    return TruthQuery(description([option.label for option in options]), options)


def _leaders(dataset: Dataset, lexicon: Lexicon, task: str) -> npt.NDArray[np.int32]:
    """For each label code the code of the first label that means the same, (L + 1,) int32; the last is for
    -1, a missing label."""
    codes = {label: code for code, label in enumerate(dataset.taxonomy[task].labels)}
    leaders = [
        min(codes[other.label] for other in lexicon.synonyms(Option(task, label)) if other.label in codes)
        for label in codes
    ]
    return np.asarray([*leaders, -1], dtype=np.int32)


def _labelled(dataset: Dataset, lexicon: Lexicon, option: Option, rows: npt.NDArray[np.int64]) -> Bools:
    wanted = {other.label for other in lexicon.synonyms(option)}
    labels = dataset.taxonomy[option.task].labels
    codes = [code for code, label in enumerate(labels) if label in wanted]
    return np.isin(dataset.codes(option.task)[rows], codes)
