"""The score tables that are compared: every method of every checkpoint, and checkpoints together, for many
queries at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.retrieval.descriptions import Descriptions
from core.retrieval.lexicon import Lexicon
from core.retrieval.probabilities import FLOOR, Beliefs, Floats
from core.retrieval.query import Query, Term, parse
from core.retrieval.ranking import RRF
from core.store.predictions import Predictions

Columns = list[Floats | None]

CELLS = 4_000_000
"""Scores (queries times rows) that are held at a time."""


@dataclass(frozen=True)
class Contender:
    """Something that ranks: a method, on one checkpoint or on several."""

    model: str
    method: str

    @property
    def name(self) -> str:
        """E.g. "deit probability"."""
        return f"{self.model} {self.method}".strip()


class Rankings:
    """Scores of every contender for any of the queries, over the given rows."""

    def __init__(
        self,
        texts: Sequence[str],
        rows: npt.NDArray[np.int64],
        predictions: Sequence[Predictions],
        lexicon: Lexicon,
    ) -> None:
        self.size = len(rows)
        self.texts = list(texts)
        self.queries: list[Query] = [parse(text, lexicon) for text in texts]
        self.beliefs = [Beliefs(found, rows) for found in predictions]
        self.descriptions = [Descriptions(found) for found in self.beliefs]
        self._terms = [_TermTable(found) for found in self.beliefs]

    @property
    def together(self) -> str:
        """The name of all checkpoints together."""
        return " + ".join(found.name for found in self.beliefs)

    def chunks(self) -> Iterator[slice]:
        """Runs of queries that fit into memory."""
        step = max(1, CELLS // max(self.size, 1))
        yield from (slice(start, start + step) for start in range(0, len(self.texts), step))

    def tables(self, part: slice) -> Iterator[tuple[Contender, Floats]]:
        """Every contender's scores (Q, M) for the queries of `part`, higher is better."""
        weighted, ranks = [], []
        for beliefs, described, terms in zip(self.beliefs, self.descriptions, self._terms, strict=True):
            values = [terms.of(query) for query in self.queries[part]]
            tfidf = described.table(self.texts[part])
            log = _absent_last(np.stack([_logs(value, self.size) for value in values]), beliefs)
            plain = _absent_last(np.stack([_total(value, self.size) for value in values]), beliefs)
            rank = _reciprocal(log)
            yield Contender(beliefs.name, "probability"), log
            yield Contender(beliefs.name, "sum"), plain
            yield Contender(beliefs.name, "tfidf"), tfidf
            yield Contender(beliefs.name, "fused"), rank + _reciprocal(tfidf)
            weighted.append(values)
            ranks.append(rank)
        if len(self.beliefs) > 1:
            merged = np.stack([_logs(_mean(each), self.size) for each in zip(*weighted, strict=True)])
            seen = np.logical_and.reduce([found.present for found in self.beliefs])
            yield Contender(self.together, "average"), np.where(seen, merged, np.float32(-np.inf))
            yield Contender(self.together, "rrf"), np.sum(ranks, axis=0, dtype=np.float32)


class _TermTable:
    """P(term) columns of one checkpoint, each computed once."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self._columns: dict[Term, Floats | None] = {}

    def of(self, query: Query) -> Columns:
        """P(term) (M,) of every term in order, None for one that the checkpoint does not know."""
        for term in query.terms:
            if term not in self._columns:
                self._columns[term] = self._beliefs.term(term)
        return [self._columns[term] for term in query.terms]


def _logs(columns: Columns, size: int) -> Floats:
    total = np.zeros(size, dtype=np.float32)
    for column in columns:
        if column is not None:
            total += np.log(np.maximum(column, np.float32(FLOOR)))
    return total


def _total(columns: Columns, size: int) -> Floats:
    total = np.zeros(size, dtype=np.float32)
    for column in columns:
        if column is not None:
            total += column
    return total


def _mean(each: Sequence[Columns]) -> Columns:
    """Per term of one query the mean over the checkpoints that know it."""
    return [
        _mean_known([column for column in columns if column is not None])
        for columns in zip(*each, strict=True)
    ]


def _mean_known(columns: list[Floats]) -> Floats | None:
    return np.asarray(np.mean(columns, axis=0), dtype=np.float32) if columns else None


def _absent_last(scores: Floats, beliefs: Beliefs) -> Floats:
    return np.where(beliefs.present, scores, np.float32(-np.inf))


def _reciprocal(scores: Floats) -> Floats:
    """1 / (60 + rank) per query (Q, M), ties at the best rank, 0 where a row is absent."""
    order = np.argsort(-scores, axis=1, kind="stable")
    sorted_scores = np.take_along_axis(scores, order, axis=1)
    with np.errstate(invalid="ignore"):
        new = np.diff(sorted_scores, axis=1, prepend=np.float32(np.inf)) != 0
    rank = np.maximum.accumulate(np.where(new, np.arange(1, scores.shape[1] + 1), 1), axis=1)
    found = np.empty_like(scores)
    np.put_along_axis(found, order, (1 / (RRF + rank)).astype(np.float32), axis=1)
    return np.where(np.isfinite(scores), found, np.float32(0))
