"""Slices: accuracy by any combination of attributes, and an automatic search for the weak ones.

Every combination of one to three conditions (attribute is label) with enough images is tested against the
rest of the images: a one-sided hypergeometric test on counts divided by their design effect (Rao & Scott
1992), 1 + rho (sum n_i^2 / sum n_i - 1) for a slice with n_i images of object i, so that many photographs of
one object do not pass for evidence. The correlation rho of errors within objects is estimated once, over all
objects (analysis of variance, Donner 1986): a slice of a few objects could not tell its own.
Benjamini-Hochberg's correction over all combinations tested. Each further condition of a description must
halve p to come before a shorter one, unless it is all that is weak of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests

from core.data.dataset import Dataset
from core.evaluation.estimate import Estimate, undefined
from core.evaluation.intervals import Floats, clusters, proportion
from core.evaluation.outcomes import Mask, Outcomes

LEAST = 8
"""Smallest slice looked at, in images."""
DEEPEST = 3
MOST_GROUPS = 500
"""Combinations in a table at most."""
MOST_LABELS = 60
"""Columns with more labels than this cut the images into slices too small to judge."""
TESTED_BY_OBJECT = 400
"""How many combinations, the most suspicious first, get the test that knows objects."""
EXPLAINED = 0.05
NEARLY = 4.0
"""A part of a slice is nearly as well supported where its p is at most so many times the slice's."""
Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Slice:
    """Images that meet every condition of `where`: accuracy there and on the rest, the `p` of being worse
    than the rest by chance, and `q`, p after correction over all combinations tested. `rows` are row
    numbers."""

    where: Where
    accuracy: Estimate
    rest: Estimate
    p: float
    q: float
    rows: npt.NDArray[np.int64]

    @property
    def difference(self) -> Estimate:
        """Accuracy here minus accuracy on the rest, in [-1, 1]; its interval from those of the two (the
        square and add method, Newcombe 1998; Zou & Donner 2008), which takes the two for independent."""
        here, rest = self.accuracy, self.rest
        if math.isnan(rest.value):
            return undefined(0, here.instances)
        value = here.value - rest.value
        below = math.hypot(here.value - here.low, rest.high - rest.value)
        above = math.hypot(here.high - here.value, rest.value - rest.low)
        return Estimate(value, value - below, value + above, here.n, here.instances, "square and add, Wilson")

    @property
    def text(self) -> str:
        """E.g. "colour is red and material is glass"."""
        return " and ".join(f"{name} is {label}" for name, label in self.where)

    def to_json(self) -> dict[str, Any]:
        """Keys where, n, accuracy, low, high, p, q, rest."""
        found = self.accuracy.to_json()
        return {
            "where": dict(self.where),
            "n": self.accuracy.n,
            "instances": self.accuracy.instances,
            "accuracy": found["value"],
            "low": found["low"],
            "high": found["high"],
            "p": self.p,
            "q": self.q,
            "rest": self.rest.to_json()["value"],
        }


def slice_columns(dataset: Dataset) -> dict[str, npt.NDArray[np.object_]]:
    """What a data set can be sliced by: its tasks and metadata, as labels (N,) with None where missing."""
    found = {}
    for name in (*dataset.taxonomy.names, *dataset.metadata):
        column = dataset.table[name]
        if 1 < column.nunique() <= MOST_LABELS:
            text = column.astype(object).where(column.notna() & (column.astype(str) != ""), None)
            found[name] = np.array([None if pd.isna(v) else str(v) for v in text], dtype=object)
    return found


def metrics_by(
    outcomes: Outcomes,
    rows: Mask,
    columns: Mapping[str, npt.NDArray[np.object_]],
    by: Sequence[str],
    least: int = 1,
) -> tuple[Slice, ...]:
    """Every combination of labels of the columns `by` with at least `least` images, the lowest accuracy first
    (p and q as in the search, corrected over these combinations); of more than `MOST_GROUPS` the largest."""
    used = rows & outcomes.scored
    frame = pd.DataFrame({name: columns[name] for name in by})[used].dropna()
    numbers = frame.index.to_numpy()
    groups = [
        (key if isinstance(key, tuple) else (key,), numbers[index])
        for key, index in frame.groupby(list(by), observed=True, sort=True).indices.items()
        if len(index) >= least
    ]
    if not groups:
        return ()
    keys, members = zip(*sorted(groups, key=lambda group: -len(group[1]))[:MOST_GROUPS], strict=True)
    correlation = error_correlation(outcomes, used)
    p = np.array([_p_by_object(outcomes, used, rows_of, correlation) for rows_of in members])
    q = multipletests(p, method="fdr_bh")[1]
    found = [
        _slice(outcomes, used, tuple(zip(by, map(str, key), strict=True)), index, p[k], q[k])
        for k, (key, index) in enumerate(zip(keys, members, strict=True))
    ]
    return tuple(sorted(found, key=lambda one: one.accuracy.value))


def weak_slices(
    outcomes: Outcomes,
    rows: Mask,
    columns: Mapping[str, npt.NDArray[np.object_]],
    least: int = LEAST,
    deepest: int = DEEPEST,
    most: int = 20,
) -> tuple[Slice, ...]:
    """The weakest slices among the rows (N,) whose truth is known, the best supported first, at most `most`.

    A slice that is weak only because of an earlier one (without the other's images it is as good as the
    rest), or that holds the same images as a shorter one, is left out.
    """
    used = np.flatnonzero(rows & outcomes.scored)
    wrong = ~outcomes.correct[used]
    literals = _literals({name: values[used] for name, values in columns.items()}, least)
    found = list(_enumerate(literals, wrong, least, deepest))
    if not found:
        return ()
    size, bad = (np.array([entry[k] for entry in found], dtype=float) for k in (1, 2))
    p = _hypergeometric(bad, size, float(wrong.sum()), float(len(used)))
    suspicious = np.argsort(p, kind="stable")[:TESTED_BY_OBJECT]
    masks = {int(k): _mask(literals, found[k][0]) for k in suspicious}
    everything = np.zeros(len(outcomes), dtype=bool)
    everything[used] = True
    if outcomes.instances is not None:
        correlation = error_correlation(outcomes, everything)
        for k in suspicious:
            p[k] = max(p[k], _p_by_object(outcomes, everything, used[masks[int(k)]], correlation))
    q = multipletests(p, method="fdr_bh")[1]
    excess = _excess(bad, size, float(wrong.mean()))
    order = sorted((int(k) for k in suspicious), key=lambda k: (p[k] * 2.0 ** len(found[k][0]), -excess[k]))
    weight = {k: float(p[k] * 2.0 ** len(found[k][0])) for k in order}
    kept = _distinct(_narrowed(order, weight, masks, wrong), masks, wrong, most)
    return tuple(
        _slice(
            outcomes,
            everything,
            tuple((literals[j].name, literals[j].label) for j in found[k][0]),
            used[masks[k]],
            p[k],
            q[k],
        )
        for k in kept
    )


@dataclass(frozen=True, eq=False)
class _Literal:
    name: str
    label: str
    mask: Mask


def _literals(columns: Mapping[str, npt.NDArray[np.object_]], least: int) -> list[_Literal]:
    found = []
    for name, values in columns.items():
        for label in sorted({v for v in values if v is not None}):
            mask = values == label
            if least <= int(mask.sum()) < len(values):
                found.append(_Literal(name, str(label), mask))
    return found


def _enumerate(
    literals: list[_Literal], wrong: Mask, least: int, deepest: int
) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """(literal numbers, images, wrong images) of every conjunction over distinct columns with enough
    images."""
    if not literals:
        return
    table = np.stack([literal.mask for literal in literals]).astype(np.float32)  # (literals, n)
    columns = {name: k for k, name in enumerate(dict.fromkeys(literal.name for literal in literals))}
    column = np.array([columns[literal.name] for literal in literals])
    bad = wrong.astype(np.float32)
    frontier: list[tuple[int, ...]] = [()]
    for _ in range(deepest):
        following = []
        for chosen in frontier:
            inside = table[list(chosen)].prod(axis=0) if chosen else np.ones(table.shape[1], dtype=np.float32)
            start = chosen[-1] + 1 if chosen else 0
            later = [j for j in range(start, len(literals)) if column[j] not in column[list(chosen)]]
            if not later:
                continue
            sizes, errors = (table[later] @ np.stack([inside, inside * bad], axis=1)).T
            for j, size, error in zip(later, sizes, errors, strict=True):
                if size >= least:
                    yield (*chosen, j), int(size), int(error)
                    following.append((*chosen, j))
        frontier = following


def _mask(literals: list[_Literal], chosen: tuple[int, ...]) -> Mask:
    return np.asarray(np.logical_and.reduce([literals[j].mask for j in chosen]))


def _hypergeometric(bad: Floats, size: Floats, all_bad: float, total: float) -> Floats:
    """P(at least `bad` wrong among `size` images drawn from `total` of which `all_bad` are wrong)."""
    return np.asarray(hypergeom.sf(bad - 1, total, all_bad, size), dtype=float)


def _excess(bad: Floats, size: Floats, rate: float) -> Floats:
    """Errors above expectation in standard deviations: orders slices whose p is too small to be told from
    0."""
    return np.asarray((bad - size * rate) / np.sqrt(size * rate * (1 - rate) + 1e-12))


def _p_by_object(outcomes: Outcomes, used: Mask, inside: npt.NDArray[np.int64], correlation: float) -> float:
    """The same with the counts inside and outside divided by their design effects."""
    column = np.zeros(len(outcomes), dtype=np.int64)
    column[inside] = 1
    column, wrong = column[used], (~outcomes.correct[used]).astype(float)
    counts = np.bincount(column, minlength=2).astype(float)
    bad = np.bincount(column, wrong, 2)
    if counts[0] == 0:
        return 1.0
    if outcomes.instances is not None:
        between = clusters(outcomes.instances[used], column, wrong, np.ones(len(wrong)), 2)
        scale = 1 / (1 + correlation * (counts / between.kish - 1))  # kish is n^2 / sum n_i^2
        counts, bad = np.maximum(np.rint(counts * scale), 1), np.rint(bad * scale)
    return float(_hypergeometric(bad[1], counts[1], bad.sum(), counts.sum()))


def error_correlation(outcomes: Outcomes, used: Mask) -> float:
    """Correlation of errors within objects in [0, 1] over the rows (N,), by analysis of variance; 0 where
    objects are not known, or each has one image."""
    if outcomes.instances is None or not used.any():
        return 0.0
    unit = np.unique(outcomes.instances[used], return_inverse=True)[1]
    wrong = (~outcomes.correct[used]).astype(float)
    size = np.bincount(unit).astype(float)
    n, objects = float(len(wrong)), len(size)
    if objects < 2 or n == objects:
        return 0.0
    mean = np.bincount(unit, wrong) / size
    between = float((size * (mean - wrong.mean()) ** 2).sum()) / (objects - 1)
    within = float(((wrong - mean[unit]) ** 2).sum()) / (n - objects)
    typical = (n - float((size**2).sum()) / n) / (objects - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0, 1)) if total > 0 else 0.0


def _narrowed(
    order: list[int], weight: Mapping[int, float], masks: Mapping[int, Mask], wrong: Mask
) -> list[int]:
    """The order in which a slice follows a part of it that is weaker, nearly as well supported, and all that
    is weak of it: of "green" and "large and green" the latter, where other green ones are as good as any."""
    found: list[int] = []
    for place, whole in enumerate(order):
        if whole in found:
            continue
        inside = masks[whole]
        for part in order[place + 1 :]:
            if weight[part] > NEARLY * weight[whole]:
                break
            narrow = masks[part]
            left = inside & ~narrow
            if part in found or (narrow & ~inside).any() or not left.any():
                continue
            weaker = wrong[narrow].mean() > wrong[left].mean()
            if weaker and _against(left, ~narrow, wrong) > EXPLAINED:
                found.append(part)
                break
        found.append(whole)
    return found


def _distinct(order: list[int], masks: Mapping[int, Mask], wrong: Mask, most: int) -> list[int]:
    kept: list[int] = []
    for k in order:
        if len(kept) == most:
            break
        if not any(_explains(masks[other], masks[k], wrong) for other in kept):
            kept.append(k)
    return kept


def _explains(earlier: Mask, later: Mask, wrong: Mask) -> bool:
    """Whether `later` overlaps `earlier` and is not weak without it, or is a part of it that is no weaker."""
    if not (earlier & later).any():
        return False
    left = later & ~earlier
    p = _against(left, ~earlier, wrong) if left.any() else _against(later, earlier, wrong)
    return p > EXPLAINED


def _against(inside: Mask, whole: Mask, wrong: Mask) -> float:
    """How surprising the errors of `inside` are among those of `whole`, of which it is a part."""
    bad, size = np.array(float((wrong & inside).sum())), np.array(float(inside.sum()))
    return float(_hypergeometric(bad, size, float((wrong & whole).sum()), float(whole.sum())))


def _slice(
    outcomes: Outcomes, used: Mask, where: Where, inside: npt.NDArray[np.int64], p: float, q: float
) -> Slice:
    rest = used.copy()
    rest[inside] = False

    def accuracy(index: Any) -> Estimate:
        objects = None if outcomes.instances is None else outcomes.instances[index]
        return proportion(outcomes.correct[index], objects)

    return Slice(where, accuracy(inside), accuracy(rest), float(p), float(q), inside)
