"""The retrieval scoreboard: how well every method ranks the right images first, by type of query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.errors import SelectionError
from core.evaluation.estimate import Estimate
from core.retrieval.comparisons import CHANCE, Comparison, compare, means
from core.retrieval.images import ImageQuality, image_quality
from core.retrieval.lexicon import Lexicon
from core.retrieval.metrics import MEASURES, Floats, Quality, chance, quality
from core.retrieval.rankings import Contender, Rankings
from core.retrieval.truth import DEPTH, TruthQueries, TruthQuery, relevance, truth_queries
from core.store.predictions import Predictions

ALL = "all"
"""The query type that stands for every query."""


@dataclass(frozen=True)
class Line:
    """One contender on the queries of one type: means over `n` queries with intervals."""

    type: str
    model: str
    method: str
    n: int
    map: Estimate
    ndcg: Estimate
    precision: Estimate
    recall: Estimate

    def to_json(self) -> dict[str, Any]:
        """Keys type, model, method, queries, map, ndcg, precision, recall."""
        figures = {name: getattr(self, name).to_json() for name in ("map", "ndcg", "precision", "recall")}
        return {
            "type": self.type,
            "model": self.model,
            "method": self.method,
            "queries": self.n,
            **figures,
        }


@dataclass(frozen=True)
class Asked:
    """One query of the scoreboard with its average precision under one contender."""

    query: TruthQuery
    average_precision: float
    chance: float
    relevant: int


@dataclass(frozen=True, eq=False)
class Scoreboard:
    """Every contender's quality on every query, with the means, intervals and tests made of it."""

    data: str
    split: str
    k: int
    images: int
    asked: TruthQueries
    relevant: npt.NDArray[np.int64]
    """(Q,) how many images are right."""
    figures: dict[Contender, Floats]
    """Per contender (Q, 4) in the order of `metrics.MEASURES`, the expectation of a random order included."""
    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]
    images_asked: tuple[ImageQuality, ...]
    """Search by image, per checkpoint."""

    def queries(self, model: str, method: str) -> tuple[Asked, ...]:
        """Every query, the one with the lowest average precision first. Raises SelectionError."""
        contender = Contender(model, method)
        if contender not in self.figures:
            raise SelectionError(
                f"'{method}' of '{model}' was not measured",
                fix="Choose one of: " + ", ".join(found.name for found in self.figures),
            )
        ap, by_chance = self.figures[contender][:, 0], self.figures[CHANCE][:, 0]
        return tuple(
            Asked(self.asked.queries[q], float(ap[q]), float(by_chance[q]), int(self.relevant[q]))
            for q in np.argsort(ap, kind="stable")
        )

    def to_json(self, worst: int = 20) -> dict[str, Any]:
        """Keys data, split, images, queries, k, types, scores, comparisons, by_image, worst."""
        chief = next(line for line in self.lines if line.type == ALL)
        return {
            "data": self.data,
            "split": self.split,
            "images": self.images,
            "queries": len(self.asked.queries),
            "k": self.k,
            "types": self.asked.present,
            "scores": [line.to_json() for line in self.lines],
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
            "by_image": [found.to_json() for found in self.images_asked],
            "worst": [
                {
                    "query": asked.query.text,
                    "type": asked.query.type,
                    "model": chief.model,
                    "method": chief.method,
                    "average_precision": asked.average_precision,
                    "chance": asked.chance,
                    "relevant": asked.relevant,
                }
                for asked in self.queries(chief.model, chief.method)[:worst]
            ],
        }


def scoreboard(
    dataset: Dataset,
    predictions: Sequence[Predictions],
    split: str = "test",
    *,
    k: int = 10,
    depth: int = DEPTH,
) -> Scoreboard:
    """Ask every combination of labels that the ground truth of `split` holds and score every ranking.

    Raises DataError for an unknown split, SelectionError where the split has no labelled rows.
    """
    rows = np.flatnonzero(dataset.split_mask(split)).astype(np.int64)
    lexicon = Lexicon([dataset.taxonomy, *(found.taxonomy for found in predictions)])
    asked = truth_queries(dataset, rows, lexicon, depth)
    if not asked.queries:
        raise SelectionError(
            f"Split '{split}' has no labels to ask for",
            cause="A query needs an image whose true labels are known.",
            fix="Choose another split.",
        )
    rankings = Rankings([query.text for query in asked.queries], rows, predictions, lexicon)
    figures, relevant = _measure(dataset, lexicon, asked, rankings, k)
    types = np.asarray([query.type for query in asked.queries])
    return Scoreboard(
        data=dataset.name,
        split=split,
        k=k,
        images=len(rows),
        asked=asked,
        relevant=relevant,
        figures=figures,
        lines=tuple(_lines(figures, types, tuple(asked.present))),
        comparisons=compare(figures, _subjects(dataset, asked)),
        images_asked=tuple(image_quality(dataset, found, split, k) for found in predictions),
    )


def _measure(
    dataset: Dataset, lexicon: Lexicon, asked: TruthQueries, rankings: Rankings, k: int
) -> tuple[dict[Contender, Floats], npt.NDArray[np.int64]]:
    parts: dict[Contender, list[Quality]] = {}
    relevant = []
    answers = relevance(dataset, lexicon, asked)
    for part in rankings.chunks():
        chosen = [next(answers) for _ in rankings.texts[part]]
        right, judged = np.stack([a for a, _ in chosen]), np.stack([b for _, b in chosen])
        relevant.append(right.sum(axis=1))
        for contender, scores in rankings.tables(part):
            parts.setdefault(contender, []).append(quality(scores, right, judged, k))
        parts.setdefault(CHANCE, []).append(chance(right, judged, k))
    figures = {who: np.concatenate([found.table() for found in each]) for who, each in parts.items()}
    return figures, np.concatenate(relevant).astype(np.int64)


def _lines(figures: dict[Contender, Floats], types: npt.NDArray[Any], present: tuple[str, ...]) -> list[Line]:
    lines = []
    for name in (ALL, *present):
        chosen = np.ones(len(types), dtype=bool) if name == ALL else types == name
        table = np.concatenate([found[chosen] for found in figures.values()], axis=1)  # (Q, 4 * contenders)
        estimates = means(table)
        for place, who in enumerate(figures):
            ap, ndcg, precision, recall = estimates[place * len(MEASURES) : (place + 1) * len(MEASURES)]
            lines.append(Line(name, who.model, who.method, int(chosen.sum()), ap, ndcg, precision, recall))
    return lines


def _subjects(dataset: Dataset, asked: TruthQueries) -> npt.NDArray[np.int64]:
    """Numbers (Q,) int64 from 0: queries about one primary label share theirs, others have their own."""
    primary = dataset.taxonomy.primary.name
    keys = [
        query.options[-1].label if query.options[-1].task == primary else f"\0{place}"
        for place, query in enumerate(asked.queries)
    ]
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)
