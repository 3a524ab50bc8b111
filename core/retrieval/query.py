"""What a visitor typed, read against a lexicon: terms, what was negated, and what no label answers to.

Syntax: words; "quoted phrases"; `task:label`, `task:"two words"`; `not`, `no`, `without` or a leading `-`
negate the next term; `or` joins two terms. Everything else that no label answers to is reported, never
dropped in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from core.retrieval.lexicon import Kind, Lexicon, Match, Option, Words, normal

LONGEST = 500
"""Characters of a query that are read."""
MOST_TERMS = 16

NEGATIONS = frozenset({"not", "no", "without", "non", "except", "never"})
_STOP_WORDS = """
    a an the of in on at with and for to from by is are was be it its this that these those which my me
    us i we our some any all show find give get search image images picture pictures photo photos
    photograph photographs but please something anything thing things like look looks looking
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_TOKEN = re.compile(r'(?P<minus>-)?(?:(?P<field>[^\s":]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """Some words of the query and the labels they reach; `negated` where those are not wanted."""

    words: str
    options: tuple[Option, ...]
    kind: Kind
    negated: bool = False
    corrected: str = ""
    """The label's word that was read instead of what was typed, where that is another one."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the labels, each once."""
        return tuple(dict.fromkeys(option.task for option in self.options))


@dataclass(frozen=True)
class Unknown:
    """Words that no label answers to, and the labels that are spelt most like them."""

    words: str
    nearest: tuple[Option, ...]
    task: str = ""
    """The task that was asked for, where one was."""

    def text(self) -> str:
        """E.g. "no label for 'jug'; nearest: mug (class)": nearest in spelling."""
        near = ", ".join(f"{option.label} ({option.task})" for option in self.nearest)
        where = f" in {self.task}" if self.task else ""
        return f"no label for '{self.words}'{where}; nearest: {near or 'none is spelt like it'}"


@dataclass(frozen=True)
class Query:
    """A query as it was understood."""

    text: str
    terms: tuple[Term, ...]
    unknown: tuple[Unknown, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a visitor should know about how the words were read."""
        read = tuple(
            f"'{term.words}' was read as '{term.corrected}'"
            for term in self.terms
            if term.corrected and term.corrected != term.words
        )
        return (*read, *(unknown.text() for unknown in self.unknown))


@dataclass(frozen=True)
class _Piece:
    """A part of the text: one word, or a phrase that is matched as a whole."""

    text: str
    parts: Words
    negated: bool = False
    whole: bool = False
    field: str = ""
    token: str = ""
    """What was typed, of which this may be a part."""
    start: int = 0
    """Where that begins in the text."""


def parse(text: str, lexicon: Lexicon) -> Query:
    """Read `text`; never raises. Longer phrases go before shorter ones, whole labels before their heads."""
    reader = _Reader(_pieces(text[:LONGEST]), lexicon)
    terms, unknown = reader.read()
    return Query(text, tuple(terms[:MOST_TERMS]), tuple(unknown[:MOST_TERMS]))


def _pieces(text: str) -> list[_Piece]:
    found = []
    for token in _TOKEN.finditer(text):
        field, phrase, word = token["field"] or "", token["phrase"], token["word"]
        negated = token["minus"] is not None
        said = phrase if phrase is not None else (word or "")
        parts = tuple(part for part in normal(said) if any(letter.isalnum() for letter in part))
        if not parts:
            continue
        if phrase is not None or field:
            found.append(_Piece(said.strip(), parts, negated, True, field, said.strip(), token.start()))
        else:
            # one typed word can be several ("t-shirt"); it stays together only through the labels' own words
            said_parts = re.findall(r"[^\W_]+", said) if len(parts) > 1 else [said.strip(".,;:!?()")]
            shown = said_parts if len(said_parts) == len(parts) else list(parts)
            found += [
                _Piece(text, (part,), negated and n == 0, False, "", said.strip(".,;:!?()"), token.start())
                for n, (text, part) in enumerate(zip(shown, parts, strict=True))
            ]
    return found


class _Reader:
    """Walks over the pieces once, from left to right."""

    def __init__(self, pieces: list[_Piece], lexicon: Lexicon) -> None:
        self.pieces, self.lexicon = pieces, lexicon
        self.terms: list[Term] = []
        self.unknown: list[Unknown] = []
        self.missed = -1
        self.negate = self.join = False

    def read(self) -> tuple[list[Term], list[Unknown]]:
        at = 0
        while at < len(self.pieces):
            at += self._step(at)
        return self.terms, self.unknown

    def _step(self, at: int) -> int:
        """Deal with the piece at `at`; how many pieces that took."""
        piece = self.pieces[at]
        if piece.whole:
            self._whole(piece)
            return 1
        taken, match = self._phrase(at)
        word = piece.text.casefold()
        if taken <= 1 and word in NEGATIONS:
            self.negate = True
        elif taken <= 1 and word == "or":
            self.join = bool(self.terms)
        elif match is not None and (match.kind == "exact" or self.lexicon.task(word) is None):
            said = " ".join(part.text for part in self.pieces[at : at + taken])
            self._term(said, match, piece.negated)
            return taken
        elif word not in STOP_WORDS and self.lexicon.task(word) is None:
            self._single(piece)
        return 1

    def _phrase(self, at: int) -> tuple[int, Match | None]:
        """The longest run of single words from `at` that a label answers to."""
        words: list[str] = []
        for piece in self.pieces[at : at + self.lexicon.longest]:
            if piece.whole or (words and piece.negated):
                break
            words.append(piece.parts[0])
        for n in range(len(words), 0, -1):
            match = self.lexicon.find(tuple(words[:n]))
            if match is not None:
                return n, match
        return 0, None

    def _single(self, piece: _Piece) -> None:
        match = self.lexicon.repair(piece.parts[0])
        if match is None:
            self._miss(piece, None)
        else:
            self._term(piece.text, match, piece.negated)

    def _whole(self, piece: _Piece) -> None:
        task = self.lexicon.task(piece.field) if piece.field else None
        if piece.field and task is None:
            self._miss(replace(piece, text=f"{piece.field}:{piece.text}"), None)
            return
        match = self.lexicon.find(piece.parts, task)
        if match is None and len(piece.parts) == 1:
            match = self.lexicon.repair(piece.parts[0], task)
        if match is None:
            self._miss(piece, task)
        else:
            self._term(f"{piece.field}:{piece.text}" if piece.field else piece.text, match, piece.negated)

    def _term(self, said: str, match: Match, negated: bool) -> None:
        term = Term(said, match.options, match.kind, negated or self.negate, match.corrected)
        if self.join and self.terms:
            before = self.terms.pop()
            options = tuple(dict.fromkeys((*before.options, *term.options)))
            term = replace(before, words=f"{before.words} or {said}", options=options)
        self.terms.append(term)
        self.negate = self.join = False

    def _miss(self, piece: _Piece, task: str | None) -> None:
        self.negate = self.join = False
        if piece.start == self.missed:  # the other half of a word with a hyphen
            return
        self.missed = piece.start
        near = self.lexicon.nearest(max(piece.parts, key=len), task=task)
        said = piece.text if piece.whole else piece.token
        self.unknown.append(Unknown(said, near, task or ""))
