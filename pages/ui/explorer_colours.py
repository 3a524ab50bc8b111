"""What the Explorer can colour by: the head's labels, how it did, and every column of the data set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from core.data.dataset import SPLITS
from core.figures.scatter_colours import Colouring
from pages.ui import explorer_maps
from pages.ui.state import View

VERDICTS = ("right", "wrong", "no truth or no prediction")
MOST_NUMBERS = 12
"""A column of numbers with more different values than this is drawn as a gradient."""


def colour_names(view: View) -> dict[str, str]:
    """What can be chosen, by the name that a link carries."""
    head = view.selection.task
    others = [name for name in view.dataset.taxonomy.names if name != head]
    found = {
        "truth": f"{head} (truth)",
        "prediction": f"{head} (predicted)",
        "correctness": "Right or wrong",
        "confidence": "Confidence",
        **{f"column:{name}": name for name in (*others, *view.dataset.metadata)},
        "split": "Split",
        "cluster": "Cluster (k-means)",
    }
    return {**found, "object": "Object"} if view.dataset.has_instances else found


def colouring(view: View, name: str) -> Colouring:
    """The colouring of that name, for every row of the data set."""
    simple: dict[str, Callable[[View, str], Colouring]] = {
        "truth": _truth,
        "prediction": _prediction,
        "correctness": _correctness,
        "confidence": _confidence,
        "split": _split,
        "object": _object,
        "cluster": _cluster,
    }
    title = colour_names(view)[name]
    if name in simple:
        return simple[name](view, title)
    return _column(view, name.removeprefix("column:"))


def _truth(view: View, title: str) -> Colouring:
    return Colouring(title, view.outcomes.labels, view.outcomes.truth)


def _prediction(view: View, title: str) -> Colouring:
    return Colouring(title, view.outcomes.labels, view.outcomes.prediction)


def _correctness(view: View, title: str) -> Colouring:
    outcomes = view.outcomes
    judged = outcomes.scored & outcomes.answered
    codes = np.where(judged, np.where(outcomes.correct, 0, 1), 2).astype(np.int32)
    return Colouring(title, VERDICTS, codes)


def _confidence(view: View, title: str) -> Colouring:
    finite = view.outcomes.confidence[np.isfinite(view.outcomes.confidence)]
    lowest = float(finite.min()) if len(finite) else 0.0
    return Colouring(title, values=view.outcomes.confidence, limits=(lowest, 1.0))


def _split(view: View, title: str) -> Colouring:
    codes = pd.Categorical(view.dataset.table["split"].astype(str), categories=list(SPLITS)).codes
    return Colouring(title, SPLITS, np.asarray(codes, dtype=np.int32))


def _cluster(view: View, title: str) -> Colouring:
    found = explorer_maps.view_clusters(view)
    return Colouring(title, tuple(f"cluster {number + 1}" for number in range(found.count)), found.codes)


def note_on(view: View, name: str) -> str:
    """What a colouring needs to be read rightly; "" where it speaks for itself."""
    if name != "cluster":
        return ""
    found = explorer_maps.view_clusters(view)
    task = view.selection.task
    same = (
        f"Adjusted mutual information with the true {task}: {found.agreement:.2f} "
        "(0 by chance, 1 for the same groups)."
        if np.isfinite(found.agreement)
        else ""
    )
    made = f"k-means made {found.count} groups of the embeddings, as many as {task} has labels, without them."
    return f"{made} {same}"


def _object(view: View, title: str) -> Colouring:
    return _labels(title, view.dataset.table["instance_id"].astype(str).replace("", np.nan))


def _column(view: View, name: str) -> Colouring:
    if name in view.dataset.taxonomy.names:
        return Colouring(name, view.dataset.taxonomy[name].labels, view.dataset.codes(name))
    column = view.dataset.table[name]
    numbers = (
        pd.to_numeric(column, errors="coerce") if not isinstance(column.dtype, pd.CategoricalDtype) else None
    )
    if numbers is not None and numbers.notna().any() and numbers.nunique() > MOST_NUMBERS:
        values = numbers.to_numpy(dtype=np.float32)
        return Colouring(name, values=values, limits=(float(np.nanmin(values)), float(np.nanmax(values))))
    return _labels(name, column.astype(object).where(column.notna()).astype("string"))


def _labels(title: str, column: pd.Series) -> Colouring:
    codes, names = pd.factorize(column, sort=True)
    return Colouring(title, tuple(str(name) for name in names), np.asarray(codes, dtype=np.int32))
