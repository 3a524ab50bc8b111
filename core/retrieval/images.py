"""How good search by image is: are the nearest images of other objects of the same primary label?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data import Dataset
from core.errors import StoreError
from core.evaluation.estimate import Estimate, undefined
from core.retrieval.comparisons import means
from core.retrieval.metrics import quality
from core.retrieval.vectors import unit_rows
from core.store.predictions import Predictions

QUERIES = 1000
"""Images asked for at most; more are sampled, the same ones every time."""
CELLS = 4_000_000


@dataclass(frozen=True)
class ImageQuality:
    """Search by every image of a split among all images of other objects; right is the same primary label."""

    model: str
    n: int
    gallery: int
    map: Estimate
    ndcg: Estimate
    precision: Estimate
    recall: Estimate

    def to_json(self) -> dict[str, Any]:
        """Keys model, queries, gallery, map, ndcg, precision, recall."""
        figures = {name: getattr(self, name).to_json() for name in ("map", "ndcg", "precision", "recall")}
        return {"model": self.model, "queries": self.n, "gallery": self.gallery, **figures}


def image_quality(dataset: Dataset, predictions: Predictions, split: str, k: int) -> ImageQuality:
    """Quality of cosine search in one checkpoint's space without same-object images. Intervals by object."""
    name = predictions.checkpoint_name
    try:
        unit = unit_rows(predictions.compact_embeddings())
    except StoreError:
        return ImageQuality(name, 0, 0, *(undefined() for _ in range(4)))
    truth = dataset.codes(dataset.taxonomy.primary.name)
    known = np.isfinite(unit[:, 0]) & (truth >= 0)
    unit[~known] = 0.0
    rows = np.flatnonzero(dataset.split_mask(split) & known)
    if len(rows) > QUERIES:
        rows = np.sort(np.random.default_rng(0).choice(rows, QUERIES, replace=False))
    tables, asked = [], []
    step = max(1, CELLS // max(len(dataset), 1))
    for part in (rows[start : start + step] for start in range(0, len(rows), step)):
        judged = known & (dataset.instances[part][:, None] != dataset.instances)
        right = judged & (truth[part][:, None] == truth)
        some = right.any(axis=1)
        if some.any():
            scores = unit[part[some]] @ unit.T
            tables.append(quality(scores, right[some], judged[some], k).table())
            asked.append(part[some])
    if not tables:
        return ImageQuality(name, 0, int(known.sum()), *(undefined() for _ in range(4)))
    objects = dataset.instances[np.concatenate(asked)] if dataset.has_instances else None
    figures = means(np.concatenate(tables), objects)
    return ImageQuality(name, sum(map(len, tables)), int(known.sum()), *figures)
