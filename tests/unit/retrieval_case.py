"""Small data sets and made-up predictions with known answers, for the tests of core/retrieval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.data.taxonomy import Task, Taxonomy
from core.store.predictions import Predictions
from tests.unit.evaluation_case import small_dataset

KINDS = ("ceramic_mug", "water_bottle", "travel_handbag", "travel_backpack", "wrist_watch")
COLORS = ("black", "blue", "gray", "grey", "dark_red")
MATERIALS = ("leather", "plastic", "metal")
TAXONOMY = Taxonomy((Task("class", KINDS), Task("color", COLORS), Task("material", MATERIALS)))


def dataset(
    kinds: list[str | None],
    colors: list[str | None],
    materials: list[str | None] | None = None,
    *,
    splits: list[str] | None = None,
    instances: list[str] | None = None,
) -> Dataset:
    """A data set of these labels, one row each."""
    n = len(kinds)
    tasks = {
        "class": (KINDS, kinds),
        "color": (COLORS, colors),
        "material": (MATERIALS, materials or ["metal"] * n),
    }
    return small_dataset(tasks, splits or ["test"] * n, instances)


def predictions(
    tables: dict[str, npt.ArrayLike],
    *,
    embeddings: npt.NDArray[np.float32] | None = None,
    present: npt.NDArray[np.bool_] | None = None,
    name: str = "model",
    taxonomy: Taxonomy = TAXONOMY,
) -> Predictions:
    """Predictions with exactly these probabilities (N, L) by task."""
    arrays = {task: np.asarray(table, dtype=np.float32) for task, table in tables.items()}
    n = len(next(iter(arrays.values())))
    seen = np.ones(n, dtype=bool) if present is None else present
    logits = {task: np.log(np.maximum(table, 1e-9)) for task, table in arrays.items()}
    for table in logits.values():
        table[~seen] = np.nan
    return Predictions(
        "f" * 32,
        "a" * 64,
        name,
        taxonomy,
        seen,
        logits,
        load=None if embeddings is None else (lambda: embeddings),
    )


def sure(
    labels: list[str | None], names: tuple[str, ...], confidence: float = 0.9
) -> npt.NDArray[np.float32]:
    """Probabilities (N, L) that give each named label `confidence` and share out the rest."""
    table = np.full((len(labels), len(names)), (1 - confidence) / (len(names) - 1), dtype=np.float32)
    for row, label in enumerate(labels):
        if label is not None:
            table[row, names.index(label)] = confidence
    return table


def drawn(n: int, accuracy: float, seed: int = 0, name: str = "model") -> tuple[Dataset, Predictions]:
    """`n` rows with random labels, and heads whose likeliest label is right with chance `accuracy`; wrong
    ones are less sure."""
    random = np.random.default_rng(seed)
    truth = {t.name: [t.labels[c] for c in random.integers(0, len(t.labels), n)] for t in TAXONOMY.tasks}
    heads = np.random.default_rng([seed, len(name), ord(name[-1])])
    tables = {}
    for task in TAXONOMY.tasks:
        right = heads.random(n) < accuracy
        said = [
            label if ok else task.labels[int(heads.integers(len(task.labels)))]
            for label, ok in zip(truth[task.name], right, strict=True)
        ]
        table = heads.dirichlet(np.full(len(task.labels), 0.7), n)
        top = [task.labels.index(label) for label in said]
        table[np.arange(n), top] += np.where(right, 2.0, 0.7)
        tables[task.name] = table / table.sum(axis=1, keepdims=True)
    data = dataset(truth["class"], truth["color"], truth["material"])
    return data, predictions(tables, name=name)
