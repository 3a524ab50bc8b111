"""The searches: by words, by image, by both; each returns ranked hits with the evidence for them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.errors import SelectionError
from core.retrieval.lexicon import Lexicon
from core.retrieval.probabilities import Floats
from core.retrieval.query import Query, parse
from core.retrieval.ranking import best, reciprocal_rank_fusion
from core.retrieval.result import Hit, Result, evidence
from core.retrieval.source import Source
from core.retrieval.text import Fusion, Method, NothingMeant, text_scores, usable_terms

CANDIDATES = 2000
"""Rows of each side that text and image together are weighed on, where there are too many to weigh all."""
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ImageOptions:
    """How an image search goes about it."""

    hide_same: bool = False
    """Leave out the other photographs of the picture's object."""
    exact: bool = False
    """Compare with every row even where there is an approximate index."""
    weight: float = 0.5
    """The words' share in [0, 1] where words and image are weighed together; the image has the rest."""
    rerank: int = 0
    """With n > 0: order the nearest n images by the words alone."""


@dataclass(frozen=True)
class Picture:
    """The image of an image query: its embedding (D,) under each source that has one, its row where it is in
    the data set."""

    vectors: dict[str, Floats]
    row: int | None = None
    name: str = ""


class Playground:
    """One data set under one or more checkpoints, ready to be searched. Read-only; share it between pages."""

    def __init__(self, dataset: Dataset, sources: Sequence[Source]) -> None:
        for source in sources:
            if len(source) != len(dataset):
                raise SelectionError(
                    "These predictions belong to other rows",
                    cause=f"{len(source)} predictions, {len(dataset)} rows.",
                    fix="Read them again from the feature store.",
                )
        self.dataset = dataset
        self.sources = list(sources)

    @cached_property
    def lexicon(self) -> Lexicon:
        """The labels of the data set and of every source."""
        return Lexicon([self.dataset.taxonomy, *(source.predictions.taxonomy for source in self.sources)])

    def parse(self, text: str) -> Query:
        """Read a query against the labels there are; never raises."""
        return parse(text, self.lexicon)

    def picture(self, row: int) -> Picture:
        """An image of the data set as a query. Raises SelectionError where no source has seen it."""
        seen = {s.name: s.vectors.of(row) for s in self.sources if s.vectors.usable[row]}
        if not seen:
            raise SelectionError(
                "This image has no usable embedding",
                cause="No chosen checkpoint could read it.",
                fix="Choose another image.",
            )
        return Picture(seen, row, str(self.dataset.table["path"].iat[row]))

    def by_text(
        self,
        text: str,
        *,
        k: int = 20,
        method: Method = "probability",
        fusion: Fusion = "average",
        keep: npt.NDArray[np.bool_] | None = None,
    ) -> Result:
        """The `k` rows (of `keep` (N,) bool) that best match the words; none, with the reason among the
        notes, where no word means anything here. Raises SelectionError: no source."""
        began = time.perf_counter()
        query = self.parse(text)
        if method in ("tfidf", "fused"):
            fusion = "rrf"  # there are no probabilities to average
        name = method if len(self.sources) == 1 else f"{method}, {fusion}"
        try:
            scores = text_scores(query, self.sources, method, fusion)
        except NothingMeant as nothing:
            took = 1000 * (time.perf_counter() - began)
            return Result(query.text, name, (), (nothing.title, *query.notes), milliseconds=took)
        rows = best(scores, k, keep)
        if method == "tfidf" and len(self.sources) == 1:
            rows = rows[scores[rows] > 0]  # no word in common is no match
        logs = method == "probability" and (fusion == "average" or len(self.sources) == 1)
        shown = np.exp(scores[rows]) if logs else scores[rows]
        return self._result(query, name, rows, shown, None, began)

    def by_image(
        self,
        picture: Picture,
        *,
        text: str = "",
        k: int = 20,
        keep: npt.NDArray[np.bool_] | None = None,
        options: ImageOptions = ImageOptions(),
    ) -> Result:
        """The `k` rows (of `keep` (N,) bool) nearest to the picture; with `text`, of both together.

        The picture itself is never a hit. Several sources are merged by reciprocal rank fusion. Where no
        word means anything the image alone counts, and a note says so. Raises SelectionError.
        """
        began = time.perf_counter()
        query = self.parse(text)
        near = _Near(self, picture, keep, options)
        if not text.strip():
            rows, scores, cosines = near.rows(k)
            return self._result(query, "image", rows, scores, cosines, began)
        try:
            words = text_scores(query, self.sources, "probability", "average")
        except NothingMeant as nothing:
            rows, scores, cosines = near.rows(k)
            return self._result(query, "image", rows, scores, cosines, began, (nothing.title,))
        if options.rerank:
            rows, _, cosines = near.rows(options.rerank)
            order = np.argsort(-words[rows], kind="stable")[:k]
            found = (rows[order], np.exp(words[rows[order]]), cosines[order])
            return self._result(query, "image, re-ranked by text", *found, began)
        terms = len(usable_terms(query, self.sources))
        # the n-th root of a product of n probabilities: its scale does not hang on the query's length
        found = near.weighed(np.exp(words / np.float32(terms)), k)
        return self._result(query, "text + image", *found, began)

    def siblings(self, picture: Picture) -> npt.NDArray[np.bool_]:
        """The rows (N,) bool that show the picture's object, itself included; none for an upload."""
        if picture.row is None:
            return np.zeros(len(self.dataset), dtype=bool)
        instances = self.dataset.instances
        return np.asarray(instances == instances[picture.row])

    def _result(
        self,
        query: Query,
        method: str,
        rows: Rows,
        scores: Floats,
        cosines: Floats | None,
        began: float,
        notes: tuple[str, ...] = (),
    ) -> Result:
        terms = usable_terms(query, self.sources)
        hits = tuple(
            Hit(
                rank=place + 1,
                row=int(row),
                score=float(scores[place]),
                cosine=None if cosines is None else float(cosines[place]),
                evidence=evidence(self.dataset, self.sources, terms, int(row)),
            )
            for place, row in enumerate(rows)
        )
        took = 1000 * (time.perf_counter() - began)
        return Result(query.text, method, hits, (*notes, *query.notes, *self._unheard(query)), terms, took)

    def _unheard(self, query: Query) -> tuple[str, ...]:
        return tuple(
            f"{source.name} has no label for '{term.words}' and ranks without it"
            for source in self.sources
            for term in usable_terms(query, self.sources)
            if not source.beliefs.knows(term)
        )


class _Near:
    """The neighbourhood of one picture under the sources that have seen it."""

    def __init__(
        self, ground: Playground, picture: Picture, keep: npt.NDArray[np.bool_] | None, options: ImageOptions
    ) -> None:
        self.vectors = [
            (source.vectors, picture.vectors[source.name])
            for source in ground.sources
            if source.name in picture.vectors
        ]
        if not self.vectors:
            raise SelectionError("No chosen checkpoint has seen this image", fix="Choose another checkpoint.")
        same = ground.siblings(picture)
        hidden = same if options.hide_same else np.zeros_like(same)
        if picture.row is not None:
            hidden[picture.row] = True
        self.keep = ~hidden if keep is None else keep & ~hidden
        self.options = options

    def rows(self, k: int) -> tuple[Rows, Floats, Floats]:
        """The `k` nearest rows with their scores and cosines, nearest first."""
        each = [
            vectors.search(query, k, keep=self.keep, exact=self.options.exact)
            for vectors, query in self.vectors
        ]
        if len(each) == 1:
            rows, cosines = each[0]
            return rows, cosines, cosines
        rows = np.unique(np.concatenate([found for found, _ in each]))
        table = [vectors.cosines(query, rows) for vectors, query in self.vectors]
        merged = reciprocal_rank_fusion(table)
        order = best(merged, k)
        return rows[order], merged[order], _mean(table)[order]

    def weighed(self, said: Floats, k: int) -> tuple[Rows, Floats, Floats]:
        """The `k` rows with the highest convex combination of `said` (N,) in [0, 1] and cosine, each scaled
        to [0, 1] over the rows compared (Bruch, Gai & Ingber 2023)."""
        near, _, _ = self.rows(CANDIDATES)
        rows = np.union1d(near, best(said, CANDIDATES, self.keep))
        cosines = _mean([vectors.cosines(query, rows) for vectors, query in self.vectors])
        usable = np.isfinite(cosines) & np.isfinite(said[rows])
        rows, cosines = rows[usable], cosines[usable]
        weight = np.float32(self.options.weight)
        scores = weight * _scaled(said[rows]) + (1 - weight) * _scaled(cosines)
        order = best(scores, k)
        return rows[order], scores[order], cosines[order]


def _mean(table: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(table, axis=0), dtype=np.float32)


def _scaled(values: Floats) -> Floats:
    """`values` moved to [0, 1]; all 0 where they do not differ."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    return (values - np.float32(low)) / np.float32(high - low) if high > low else np.zeros_like(values)
