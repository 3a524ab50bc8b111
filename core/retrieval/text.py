"""Text search: one score per row, by one of three methods, from one checkpoint or from several together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from core.errors import SelectionError
from core.retrieval.probabilities import Floats, log_sum, mean_term, plain_sum
from core.retrieval.query import Query, Term
from core.retrieval.ranking import reciprocal_rank_fusion
from core.retrieval.source import Source


class NothingMeant(SelectionError):
    """No word of a query means anything to the checkpoints that were asked."""


Method = Literal["probability", "sum", "tfidf", "fused"]
METHODS: dict[Method, str] = {
    "probability": "Probability-weighted: the logarithms of each term's calibrated probability are added.",
    "sum": "Probability sum: the calibrated probabilities of the terms are added.",
    "tfidf": "TF-IDF: 1-2-grams and cosine over the predicted descriptions; no negation, no synonyms.",
    "fused": "Reciprocal rank fusion of the probability-weighted ranking and TF-IDF.",
}
Fusion = Literal["average", "rrf"]
FUSIONS: dict[Fusion, str] = {
    "average": "Averaged probabilities: every term's probability is the mean over the checkpoints.",
    "rrf": "Reciprocal rank fusion: every checkpoint ranks by itself, ranks are merged.",
}


def text_scores(
    query: Query, sources: Sequence[Source], method: Method = "probability", fusion: Fusion = "average"
) -> Floats:
    """One score per row (N,) float32, higher is better, -inf where a row is absent.

    Several `sources` are merged by `fusion`; TF-IDF has no probabilities to average, so its rankings are
    always merged by rank. Raises NothingMeant, and SelectionError where there is no source.
    """
    if not sources:
        raise SelectionError("No checkpoint was chosen", fix="Choose at least one.")
    if method in ("tfidf", "fused") or fusion == "rrf":
        each = [_one(query, source, method) for source in sources]
        return each[0] if len(each) == 1 else reciprocal_rank_fusion(each)
    return _probabilities(query, sources, method)


def usable_terms(query: Query, sources: Sequence[Source]) -> tuple[Term, ...]:
    """The terms of which at least one source knows a label."""
    return tuple(t for t in query.terms if any(source.beliefs.knows(t) for source in sources))


def _one(query: Query, source: Source, method: Method) -> Floats:
    if method == "tfidf":
        return _tfidf(query, source)
    if method == "fused":
        return reciprocal_rank_fusion([_probabilities(query, [source], "probability"), _tfidf(query, source)])
    return _probabilities(query, [source], method)


def _probabilities(query: Query, sources: Sequence[Source], method: Method) -> Floats:
    beliefs = [source.beliefs for source in sources]
    known = [column for term in query.terms if (column := mean_term(beliefs, term)) is not None]
    scores = plain_sum(known) if method == "sum" else log_sum(known)
    if scores is None:
        raise _nothing(query)
    return scores


def _tfidf(query: Query, source: Source) -> Floats:
    scores = source.descriptions.scores(query.text)
    if not np.any(scores > 0):
        raise _nothing(query)
    return scores


def _nothing(query: Query) -> NothingMeant:
    return NothingMeant(
        "No word of this query is a label here" if query.text.strip() else "The query is empty",
        cause="; ".join(unknown.text() for unknown in query.unknown),
        fix="Search for labels of this data set: a class, a colour, whatever its heads predict.",
    )
