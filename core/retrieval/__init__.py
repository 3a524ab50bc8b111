"""Retrieval: search by words, by image and by both, with reasons, and its quality against ground truth."""

from core.retrieval.examples import examples
from core.retrieval.lexicon import Lexicon, Option
from core.retrieval.query import Query, Term, Unknown, parse
from core.retrieval.result import Evidence, Hit, Result
from core.retrieval.search import ImageOptions, Picture, Playground
from core.retrieval.source import Source
from core.retrieval.text import FUSIONS, METHODS, Fusion, Method

__all__ = [
    "FUSIONS",
    "METHODS",
    "Evidence",
    "Fusion",
    "Hit",
    "ImageOptions",
    "Lexicon",
    "Method",
    "Option",
    "Picture",
    "Playground",
    "Query",
    "Result",
    "Source",
    "Term",
    "Unknown",
    "examples",
    "parse",
]
