"""Warnings about a data set as a whole: its labels, its splits and its copies. They leave no row out."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from core.data.dataset import SPLITS, Problem
from core.data.synonyms import near_synonyms
from core.data.taxonomy import Task, Taxonomy

FEWEST_TRAIN = 2
LINE = "(line)"
"""Column of the checked table that holds each row's line in the CSV file (0: no CSV file)."""

SHOWN = 4
"""Copies that a message lists by name."""


def check(table: pd.DataFrame, taxonomy: Taxonomy) -> list[Problem]:
    """Every warning about `table`, which has the columns of a data set and `LINE`."""
    problems = [*_empty(table, taxonomy.primary), *_empty_splits(table)]
    problems += [*_split_instances(table), *_copies(table, taxonomy)]
    for task in taxonomy.tasks:
        problems += [*_single(task), *_synonyms(table, task), *_train_support(table, task)]
    return problems


def _empty(table: pd.DataFrame, primary: Task) -> Iterator[Problem]:
    """Rows without their primary label: kept, for their other labels and for prediction, but worth a look."""
    blank = table[table[primary.name].isna()]
    for line, path in zip(blank[LINE].tolist(), blank["path"].tolist(), strict=True):
        yield Problem(
            kind="empty_label",
            message=(f"Line {line}: " if line else "") + f"the {primary.name} of '{path}' is missing.",
            fix="Fill it in; without it the image is neither trained on nor scored for it.",
            row=line or None,
            path=path,
            field=primary.name,
        )


def _empty_splits(table: pd.DataFrame) -> Iterator[Problem]:
    have = set(table["split"])
    for name in SPLITS:
        if name not in have:
            yield Problem(
                kind="empty_split",
                message=f"No row is in the split '{name}'.",
                fix="Put some rows into it, or take the split column out to have a split made.",
                field="split",
            )


def _split_instances(table: pd.DataFrame) -> Iterator[Problem]:
    """One object in two splits: the model is tested on what it has seen."""
    known = table[table["instance_id"] != ""]
    places = known.groupby("instance_id", sort=True)["split"].nunique()
    for instance in places.index[places > 1]:
        rows = known[known["instance_id"] == instance]
        yield Problem(
            kind="instance_across_splits",
            message=f"The object '{instance}' is in {_listed(rows['split'])}.",
            fix="Put all images of one object into one split.",
            row=_line(rows.head(1)),
            path=str(rows["path"].iat[0]),
            field="instance_id",
        )


def _copies(table: pd.DataFrame, taxonomy: Taxonomy) -> Iterator[Problem]:
    """Byte-identical images that disagree: in two splits (a leak), or labelled in two ways."""
    shared = table[table["sha"].duplicated(keep=False)]
    for field in ("split", *taxonomy.names):
        values = shared.groupby("sha", sort=False)[field].nunique()
        differing = shared[shared["sha"].isin(values.index[values > 1])]
        for _, rows in differing.groupby("sha", sort=False):
            yield _copy(rows, field)


def _copy(rows: pd.DataFrame, field: str) -> Problem:
    paths, values = rows["path"].head(SHOWN), rows[field].astype("str").head(SHOWN)
    shown = ", ".join(f"'{path}' ({value})" for path, value in zip(paths, values, strict=True))
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    leak = "Keep one of them, or put all of them into one split."
    return Problem(
        kind="duplicate_image",
        message=f"Byte-identical images differ in {field}: {shown}{more}.",
        fix=leak if field == "split" else "Decide which label is right, and keep one of the images.",
        row=_line(rows.tail(1)),
        path=str(rows["path"].iat[-1]),
        field=field,
    )


def _single(task: Task) -> Iterator[Problem]:
    if len(task.labels) == 1:
        yield Problem(
            kind="single_label",
            message=f"Every {task.name} is '{task.labels[0]}': there is nothing to tell apart.",
            fix=f"Add images of another {task.name}, or list it under ignore in vitrine.toml.",
            field=task.name,
        )


def _synonyms(table: pd.DataFrame, task: Task) -> Iterator[Problem]:
    pairs = near_synonyms(task.labels)
    counts = table[task.name].value_counts()
    for one, other in pairs:
        fewer = min(one, other, key=lambda label: int(counts[label]))
        both = f"'{one}' ({counts[one]} images) and '{other}' ({counts[other]} images)"
        yield Problem(
            kind="near_synonym",
            message=f"{task.name}: {both} may be one label.",
            fix="Spell it one way, if they mean the same.",
            row=_line(table[table[task.name] == fewer].head(1)),
            field=task.name,
        )


def _train_support(table: pd.DataFrame, task: Task) -> Iterator[Problem]:
    trained = table.loc[table["split"] == "train", task.name].value_counts()
    for label in task.labels:
        n = int(trained[label])
        if n < FEWEST_TRAIN:
            yield _too_few(table[table[task.name] == label], task.name, label, n)


def _too_few(rows: pd.DataFrame, task: str, label: str, n: int) -> Problem:
    """A label that train shows never, or too seldom; `rows` are all of its rows."""
    unseen = Problem(
        kind="unseen_in_train",
        message=f"{task}: '{label}' is never in train (only in {_listed(rows['split'])}).",
        fix="Move some of its images into train, or merge it with another label: no model can learn it.",
        row=_line(rows.head(1)),
        field=task,
    )
    few = Problem(
        kind="few_train_images",
        message=f"{task}: '{label}' has {n} image in train, fewer than {FEWEST_TRAIN}.",
        fix="Add images of it to train.",
        row=_line(rows[rows["split"] == "train"].head(1)),
        field=task,
    )
    return few if n else unseen


def _listed(splits: pd.Series) -> str:
    counts = splits.value_counts()
    return " and ".join(f"{name}: {counts[name]}" for name in SPLITS if name in counts)


def _line(rows: pd.DataFrame) -> int | None:
    """The line of the only row of `rows`; None where there is no row or no CSV file."""
    return next((line for line in rows[LINE].tolist() if line), None)
