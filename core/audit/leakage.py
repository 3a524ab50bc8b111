"""Leakage: test images of objects or pictures that were trained on, and what the score is without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.audit.duplicates import NearDuplicate
from core.data.dataset import SPLITS, Dataset
from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import Mask, Outcomes
from core.evaluation.report import accuracy
from core.evaluation.tally import tally


@dataclass(frozen=True)
class LeakingInstance:
    """An object with images in several splits; `rows` are their row numbers."""

    instance_id: str
    splits: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class LeakEffect:
    """Accuracy on a split with all its images and without the leaked ones, of which there are `leaked`."""

    split: str
    leaked: int
    with_leaks: Estimate
    without_leaks: Estimate


def leaking_instances(dataset: Dataset) -> tuple[LeakingInstance, ...]:
    """Objects that are in more than one split, by name."""
    known = dataset.table[dataset.table["instance_id"].astype(str) != ""]
    if known.empty:
        return ()
    splits = known["split"].astype(str)
    names = known["instance_id"].astype(str)
    many = splits.groupby(names).nunique()
    return tuple(
        LeakingInstance(
            str(name),
            tuple(split for split in SPLITS if split in set(splits[names == name])),
            tuple(int(row) for row in known.index[names == name]),
        )
        for name in sorted(many.index[many > 1])
    )


def leaked_rows(
    dataset: Dataset, instances: Iterable[LeakingInstance], duplicates: Iterable[NearDuplicate]
) -> npt.NDArray[np.bool_]:
    """Rows (N,) outside train whose object, or a near-duplicate of which, is in an earlier split (train < val
    < test)."""
    place = dataset.table["split"].astype(str).map({name: k for k, name in enumerate(SPLITS)}).to_numpy()
    found = np.zeros(len(dataset), dtype=bool)
    for instance in instances:
        rows = np.array(instance.rows)
        found[rows[place[rows] > place[rows].min()]] = True
    for pair in duplicates:
        if pair.crosses:
            found[pair.row] = True
    return found


def leak_effect(dataset: Dataset, outcomes: Outcomes, leaked: Mask, split: str) -> LeakEffect:
    """What the leaked rows do to the accuracy of one head on `split`."""
    rows = dataset.split_mask(split)
    return LeakEffect(
        split,
        int((rows & leaked).sum()),
        accuracy(tally(outcomes, rows)),
        accuracy(tally(outcomes, rows & ~leaked)),
    )
