"""Example queries in a data set's own words, each of which has a right answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.data.synonyms import words
from core.retrieval.lexicon import Lexicon, normal

MOST = 5


def examples(dataset: Dataset, lexicon: Lexicon, rows: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Up to `MOST` queries that images of `rows` answer: combined, negated, by field. None without labels."""
    primary, *others = dataset.taxonomy.names
    found: list[str] = []
    both = _combinations(dataset, rows, [*others[:1], primary])
    if both:
        found.append(_said(dataset, lexicon, [*others[:1], primary], both[0]))
    if len(others) > 1 and (three := _combinations(dataset, rows, [*others[:2], primary])):
        found.append(_said(dataset, lexicon, [*others[:2], primary], three[len(three) // 2]))
    if others and both:
        first, head = _label(dataset, others[0], both[0][0]), _short(dataset, lexicon, primary, both[0][-1])
        found.append(f"{head} not {_quoted(first)}")
        found.append(f"{others[0]}:{_quoted(_label(dataset, others[0], both[-1][0]))}")
    heads = list(dict.fromkeys(_short(dataset, lexicon, primary, combo[-1]) for combo in both))
    if len(heads) > 1:
        found.append(f"{heads[0]} or {heads[1]}")
    return tuple(dict.fromkeys(found))[:MOST]


def _combinations(dataset: Dataset, rows: npt.NDArray[np.int64], tasks: list[str]) -> list[list[int]]:
    """Label codes that occur together, the most frequent first."""
    table = np.stack([dataset.codes(task)[rows] for task in tasks], axis=1)
    combos, counts = np.unique(table[(table >= 0).all(axis=1)], axis=0, return_counts=True)
    return [[int(code) for code in combos[place]] for place in np.argsort(-counts, kind="stable")]


def _said(dataset: Dataset, lexicon: Lexicon, tasks: list[str], codes: list[int]) -> str:
    *others, _ = [_label(dataset, task, code) for task, code in zip(tasks, codes, strict=True)]
    return " ".join(
        [*(" ".join(words(label)) for label in others), _short(dataset, lexicon, tasks[-1], codes[-1])]
    )


def _short(dataset: Dataset, lexicon: Lexicon, task: str, code: int) -> str:
    """The fewest last words of a label that still mean it and nothing else."""
    parts = words(_label(dataset, task, code))
    for n in range(1, len(parts)):
        match = lexicon.find(normal(" ".join(parts[-n:])))
        if match is not None and [option.label for option in match.options] == [_label(dataset, task, code)]:
            return " ".join(parts[-n:])
    return " ".join(parts)


def _label(dataset: Dataset, task: str, code: int) -> str:
    return dataset.taxonomy[task].labels[code]


def _quoted(label: str) -> str:
    said = " ".join(words(label))
    return f'"{said}"' if " " in said else said
