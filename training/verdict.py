"""Better, worse, or cannot tell: the finished network against its parent, on the same test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.data.dataset import Dataset
from core.evaluation.comparison import Comparison, compare
from core.evaluation.outcomes import outcomes
from core.models.checkpoint import Checkpoint
from core.progress import Progress
from core.store import FeatureStore

WORDS = {"a": "better", "b": "worse", "undecided": "cannot tell"}


def compare_with_parent(
    checkpoint: Checkpoint, parent: Checkpoint, dataset: Dataset, cache: Path, progress: Progress
) -> dict[str, Any]:
    """The paired comparison on the test split of every head that both have, as verdict.json keeps it.

    Keys parent, child, split, tasks -> {verdict in words, sentence, and `Comparison.to_json`}. The parent is
    indexed where it is not. Raises StoreError, InferenceError, SelectionError, Cancelled.
    """
    store = FeatureStore(cache)
    store.index(dataset, parent, progress=progress)
    found = {"child": store.predictions(dataset, checkpoint), "parent": store.predictions(dataset, parent)}
    names = {"child": checkpoint.name, "parent": parent.name}
    rows = dataset.split_mask("test")
    tasks = {}
    for task in dataset.taxonomy.names:
        if all(task in predictions.taxonomy for predictions in found.values()):
            members = {names[role]: outcomes(dataset, found[role], task) for role in ("child", "parent")}
            tasks[task] = _json(compare(members, rows)[0])
    return {"child": checkpoint.name, "parent": parent.name, "split": "test", "tasks": tasks}


def _json(comparison: Comparison) -> dict[str, Any]:
    return {**comparison.to_json(), "words": _words(comparison)}


def _words(comparison: Comparison) -> str:
    """E.g. "cannot tell on 53 images of 11 objects"."""
    return f"{WORDS[comparison.verdict]} on {comparison.difference.support()}"
