"""Text search over what a checkpoint says in words: TF-IDF of 1-2-grams and cosine, as in the report.

Rows with the same predicted labels have the same description, so the matrix has one row per distinct
description; document frequencies count every image. It is stored by column, as a query reads few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.data.synonyms import words
from core.retrieval.probabilities import Beliefs, Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def description(labels: list[str]) -> str:
    """The words of some labels in one line; the last label is the primary task's.

    >>> description(["dark_red", "water_bottle"])
    'dark red water bottle'
    """
    return " ".join(" ".join(words(label)) for label in labels)


class Descriptions:
    """The predicted descriptions of one checkpoint's rows, searchable by words."""

    def __init__(self, beliefs: Beliefs) -> None:
        self.name = beliefs.name
        primary, *others = beliefs.labels
        tasks = [*others, primary]
        codes = np.stack([beliefs.predicted(task) for task in tasks], axis=1)
        distinct, inverse, counts = _distinct(codes, [len(beliefs.labels[task]) for task in tasks])
        said = [[description([label]) for label in beliefs.labels[task]] for task in tasks]
        self.texts = [
            "" if row[0] < 0 else " ".join(names[code] for names, code in zip(said, row, strict=True))
            for row in distinct.tolist()
        ]
        self.inverse: npt.NDArray[np.int64] = inverse
        self.present = beliefs.present
        self._fit(counts)

    def _fit(self, counts: npt.NDArray[np.int64]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        self._counter: Any = CountVectorizer(ngram_range=(1, 2), dtype=np.float32)
        found = self._counter.fit_transform(self.texts or [""])
        # what TfidfTransformer(smooth_idf=True) computes, every description counted as often as it occurs
        frequency = np.asarray((found > 0).astype(np.float64).T @ counts).ravel()
        self._weigher: Any = TfidfTransformer()
        self._weigher.fit(found)
        self._weigher.idf_ = (np.log((1 + counts.sum()) / (1 + frequency)) + 1).astype(np.float32)
        self._by_column = self._weigher.transform(found).tocsc()

    def __len__(self) -> int:
        return len(self.inverse)

    def text(self, row: int) -> str:
        """The predicted description of one row; "" where there is none."""
        return str(self.texts[int(self.inverse[row])])

    def vectors(self, queries: list[str]) -> csr_matrix:
        """TF-IDF vectors (Q, V) of queries, each of length 1 or empty."""
        plain = [" ".join(words(query)) for query in queries]
        return self._weigher.transform(self._counter.transform(plain))

    def scores(self, query: str) -> Floats:
        """Cosine (N,) float32 in [0, 1] of every row's description with the query; -inf where absent."""
        vector = self.vectors([query]).tocsr()
        found = np.zeros(len(self.texts), dtype=np.float32)
        indptr, indices, data = self._by_column.indptr, self._by_column.indices, self._by_column.data
        for column, weight in zip(vector.indices, vector.data, strict=True):
            part = slice(indptr[column], indptr[column + 1])
            found[indices[part]] += np.float32(weight) * data[part]  # a column names no row twice
        scores: Floats = found[self.inverse]
        if not self.present.all():
            scores[~self.present] = -np.inf
        return scores

    def table(self, queries: list[str]) -> Floats:
        """The same for many queries at once: (Q, N) float32."""
        found = (self.vectors(queries) @ self._by_column.T).toarray().astype(np.float32)
        scores: Floats = found[:, self.inverse]
        scores[:, ~self.present] = -np.inf
        return scores


def _distinct(
    codes: npt.NDArray[np.int32], sizes: list[int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct rows of `codes` (N, T), which of them each row is (N,), and how often each occurs."""
    if len(codes) and np.prod([float(size + 1) for size in sizes]) < 2**62:
        key = np.zeros(len(codes), dtype=np.int64)
        for column, size in zip(codes.T, sizes, strict=True):
            key = key * (size + 1) + (column + 1)
        _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        return codes[first], inverse.astype(np.int64), counts.astype(np.int64)
    distinct, inverse, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    return distinct, inverse.ravel().astype(np.int64), counts.astype(np.int64)
