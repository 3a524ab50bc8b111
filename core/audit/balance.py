"""How evenly the labels of each head are spread, over all images and over the splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.dataset import Dataset
from core.data.synonyms import near_synonyms

LOPSIDED = 10.0
"""Ratio of the commonest to the rarest label from which a head counts as imbalanced."""


@dataclass(frozen=True)
class Balance:
    """`counts` maps each label to its images, the commonest first; `ratio` of the commonest to the rarest
    label; `effective` number of labels (exponential of the entropy); `missing` images without a label;
    `unseen` labels that occur outside train but not in it."""

    task: str
    counts: dict[str, int]
    ratio: float
    effective: float
    missing: int
    unseen: tuple[str, ...]

    @property
    def imbalanced(self) -> bool:
        """Whether one label is at least `LOPSIDED` times as frequent as another."""
        return self.ratio >= LOPSIDED


@dataclass(frozen=True)
class Synonyms:
    """Two labels of a head that may be one, with their numbers of images."""

    task: str
    labels: tuple[str, str]
    counts: tuple[int, int]


def balance(dataset: Dataset, task: str) -> Balance:
    """The balance of one head."""
    values = dataset.table[task]
    counts = values.value_counts()
    counts = counts[counts > 0]
    share = counts.to_numpy(dtype=float) / max(int(counts.sum()), 1)
    train = set(values[dataset.table["split"].astype(str) == "train"].dropna())
    has_train = "train" in dataset.splits
    return Balance(
        task=task,
        counts={str(label): int(n) for label, n in counts.items()},
        ratio=float(counts.max() / counts.min()) if len(counts) else 1.0,
        effective=float(np.exp(-(share * np.log(share)).sum())) if len(counts) else 0.0,
        missing=int(values.isna().sum()),
        unseen=tuple(str(label) for label in counts.index if has_train and label not in train),
    )


def synonyms(dataset: Dataset) -> tuple[Synonyms, ...]:
    """Labels of every head that may be two spellings of one."""
    found = []
    for task in dataset.taxonomy.tasks:
        counts = dataset.table[task.name].value_counts()
        for one, other in near_synonyms(task.labels):
            found.append(Synonyms(task.name, (one, other), (int(counts[one]), int(counts[other]))))
    return tuple(found)
