"""Train, val and test: as the data set says, or made from its content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.data.dataset import SPLITS
from core.data.options import MadeSplit, Options

IntArray = npt.NDArray[np.int64]


def split_names(options: Options) -> dict[str, str]:
    """Every accepted spelling, in lower case, with the split that it means."""
    spelt = {name: (name, *getattr(options.splits, name)) for name in SPLITS}
    return {spelling.casefold(): name for name, spellings in spelt.items() for spelling in spellings}


def groups(instances: Sequence[str], hashes: Sequence[str]) -> IntArray:
    """Group numbers (N,): rows of one object, and rows with byte-identical images, go together.

    So do rows that are tied by way of others. `instances` is "" where the object is not known.
    """
    from scipy.sparse import coo_array  # here, for opening from the cache does not need it
    from scipy.sparse.csgraph import connected_components

    n = len(hashes)
    keys = [f"i{instance}" if instance else "" for instance in instances]
    numbers: dict[str, int] = {}
    edges = [
        (row, n + numbers.setdefault(key, len(numbers)))
        for row in range(n)
        for key in (keys[row], f"h{hashes[row]}")
        if key
    ]
    rows, columns = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    size = n + len(numbers)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:n], dtype=np.int64)


def make_split(
    codes: npt.NDArray[np.int32], group: IntArray, hashes: Sequence[str], options: MadeSplit
) -> list[str]:
    """A split name per row: groups stay whole, each class is shared out as `options` says and is in train.

    `codes` (N,) are the primary task's (-1 counts as one more class). The result depends on content and seed
    only: neither on the order of rows nor on names or times. Within each class, groups in an order drawn by
    hash go to whichever split lacks most of its share; what rounding left over goes on to the next class.
    scikit-learn's StratifiedGroupKFold is not used: it can leave a class out of train, warns where a class
    has fewer groups than folds, and its time grows with groups x folds x classes.
    """
    members = _members(group)
    order = _drawn_order(members, hashes, options.seed)
    majority = [int(np.bincount(codes[rows] + 1).argmax()) - 1 for rows in members]
    shares = np.array([1.0 - options.val - options.test, options.val, options.test])
    choice = np.zeros(len(members), dtype=np.int64)
    carry = np.zeros(3)
    for label in sorted(set(majority)):
        mine = [number for number in order if majority[number] == label]
        lacking = shares * sum(len(members[number]) for number in mine) + carry
        for place, number in enumerate(mine):
            choice[number] = 0 if place == 0 else int(lacking.argmax())
            lacking[choice[number]] -= len(members[number])
        carry = np.clip(lacking, -1.0, 1.0)
    _all_in_train(choice, members, codes, order)
    split = np.empty(len(codes), dtype=np.int64)
    for number, rows in enumerate(members):
        split[rows] = choice[number]
    return [SPLITS[value] for value in split]


def _members(group: IntArray) -> list[IntArray]:
    """Row numbers of each group."""
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order])) + 1
    return np.split(order, starts)


def _drawn_order(members: list[IntArray], hashes: Sequence[str], seed: int) -> list[int]:
    """Groups in an order drawn from their content: the least image hash of each, hashed with the seed."""
    keys = [
        hashlib.sha256(f"{seed}:{min(hashes[row] for row in rows)}".encode()).digest() for rows in members
    ]
    return sorted(range(len(members)), key=keys.__getitem__)


def _all_in_train(
    choice: IntArray, members: list[IntArray], codes: npt.NDArray[np.int32], order: Sequence[int]
) -> None:
    """Move into train the smallest group of a class that has none there (its groups mostly hold others)."""
    labels = [set(codes[rows].tolist()) - {-1} for rows in members]
    covered = {label for number, found in enumerate(labels) if choice[number] == 0 for label in found}
    for label in sorted(set().union(*labels) - covered):
        if label not in covered:
            holders = [number for number in order if label in labels[number]]
            smallest = min(holders, key=lambda number: len(members[number]))
            choice[smallest] = 0
            covered |= labels[smallest]
