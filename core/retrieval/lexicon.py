"""The words a query may use: labels of a taxonomy, and what else they may be called.

Nothing here knows a language's dictionary. A word reaches a label by the label's own words: as a whole, as
its head ("bottle" for water_bottle, "bag" for handbag), as another part of it, in another spelling (grey /
gray, bottles / bottle), or by a slip of the pen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import islice
from typing import Literal

from core.data.synonyms import is_slip, near_synonyms, singular, words
from core.data.taxonomy import Taxonomy

Words = tuple[str, ...]
Kind = Literal["exact", "head", "part", "spelling", "typo"]

SHORTEST_HEAD = 3
"""Letters that a compound's head, and what stands before it, must have: bag in handbag, not car in scar."""
TYPO = 0.85
"""Likeness (difflib ratio) from which a word with the same first two letters counts as a slip: plastik /
plastic (0.86) does, short / shore (0.80) does not."""
NEAR = 0.5
"""Likeness from which a label is named as spelt most like an unknown word: mug for jug, not gold."""


@dataclass(frozen=True, order=True)
class Option:
    """One label of one task."""

    task: str
    label: str


@dataclass(frozen=True)
class Match:
    """Labels that some words reach, and how; `corrected` is the label's word that a slip was taken for."""

    options: tuple[Option, ...]
    kind: Kind
    corrected: str = ""


def normal(text: str) -> Words:
    """The words of `text` in lower case, without accents and plural endings."""
    return tuple(singular(word) for word in words(text))


class Lexicon:
    """Every label of one or more taxonomies by its words. Build it once and keep it: it is read-only."""

    def __init__(self, taxonomies: Iterable[Taxonomy]) -> None:
        labels: dict[str, dict[str, None]] = defaultdict(dict)
        for taxonomy in taxonomies:
            for task in taxonomy.tasks:
                labels[task.name].update(dict.fromkeys(task.labels))
        self.tasks = tuple(labels)
        self.options = tuple(Option(task, label) for task, found in labels.items() for label in found)
        self._synonyms = {task: _groups(tuple(found)) for task, found in labels.items()}
        self._exact: dict[Words, list[Option]] = defaultdict(list)
        self._heads: dict[Words, list[Option]] = defaultdict(list)
        self._parts: dict[Words, list[Option]] = defaultdict(list)
        for option in self.options:
            self._add(option, normal(option.label))

    def _add(self, option: Option, parts: Words) -> None:
        self._exact[parts].append(option)
        n = len(parts)
        for start in range(n):
            self._heads[parts[start:]].append(option)
            for end in range(start + 1, n):
                self._parts[parts[start:end]].append(option)

    @cached_property
    def longest(self) -> int:
        """Words in the longest label."""
        return max((len(parts) for parts in self._exact), default=0)

    @cached_property
    def _single(self) -> Mapping[str, list[Option]]:
        """Every single word of a label, with the labels that have it."""
        found: dict[str, list[Option]] = defaultdict(list)
        for parts, options in self._exact.items():
            for word in dict.fromkeys(parts):
                found[word].extend(options)
        return found

    @cached_property
    def _last(self) -> Mapping[str, list[Option]]:
        found: dict[str, list[Option]] = defaultdict(list)
        for parts, options in self._exact.items():
            found[parts[-1]].extend(options)
        return found

    def synonyms(self, option: Option) -> tuple[Option, ...]:
        """The labels of the same task that mean the same as `option`, itself included."""
        group = self._synonyms.get(option.task, {}).get(option.label, (option.label,))
        return tuple(Option(option.task, label) for label in group)

    def task(self, name: str) -> str | None:
        """The task that `name` means in some spelling (colour / color), or None."""
        wanted = normal(name)
        for task in self.tasks:
            if normal(task) == wanted:
                return task
        if len(wanted) == 1:
            for task in self.tasks:
                parts = normal(task)
                if len(parts) == 1 and is_slip(parts[0], wanted[0]):
                    return task
        return None

    def find(self, parts: Words, task: str | None = None) -> Match | None:
        """The labels that these words (see `normal`) reach without a slip, of one task or of all of them."""
        head = [*self._heads.get(parts, ()), *self._compounds(parts)]
        levels: tuple[tuple[Kind, Sequence[Option]], ...] = (
            ("exact", self._exact.get(parts, ())),
            ("head", head),
            ("part", self._parts.get(parts, ())),
        )
        for kind, options in levels:
            if chosen := self._of(options, task):
                return Match(chosen, kind)
        return None

    def repair(self, word: str, task: str | None = None) -> Match | None:
        """The labels that a single word reaches in another spelling or through a slip of the pen."""
        if len(word) < 3:
            return None
        spelt = [known for known in self._single if is_slip(known, word)]
        if match := self._repaired(spelt, task, "spelling"):
            return match
        like = [(_likeness(known, word), known) for known in self._single if _may_be(known, word)]
        best = max((ratio for ratio, _ in like), default=0.0)
        if best < TYPO:
            return None
        return self._repaired([known for ratio, known in like if ratio == best], task, "typo")

    def nearest(self, word: str, n: int = 3, task: str | None = None) -> tuple[Option, ...]:
        """The `n` labels spelt most like `word`, likest first: spelling is all that is known of a word. None
        where nothing is spelt like it."""
        like = {known: _likeness(known, word) for known in self._single}
        like = {known: ratio for known, ratio in like.items() if ratio >= NEAR}
        found = (
            option
            for known in sorted(like, key=lambda known: (-like[known], known))
            for option in self._single[known]
            if task in (None, option.task)
        )
        return tuple(islice(dict.fromkeys(found), n))

    def _compounds(self, parts: Words) -> list[Option]:
        if len(parts) != 1 or len(parts[0]) < SHORTEST_HEAD:
            return []
        word = parts[0]
        return [
            option
            for last, options in self._last.items()
            if last.endswith(word) and len(last) - len(word) >= SHORTEST_HEAD
            for option in options
        ]

    def _repaired(self, known: Sequence[str], task: str | None, kind: Kind) -> Match | None:
        found = [match for word in known if (match := self.find((word,), task)) is not None]
        options = tuple(dict.fromkeys(option for match in found for option in match.options))
        return Match(options, kind, " / ".join(known)) if options else None

    def _of(self, options: Iterable[Option], task: str | None) -> tuple[Option, ...]:
        chosen = (option for option in options if task in (None, option.task))
        return tuple(dict.fromkeys(other for option in chosen for other in self.synonyms(option)))


def _groups(labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Labels that mean one thing, by each of them; labels with no synonym are left out."""
    leader: dict[str, str] = {}

    def root(label: str) -> str:
        while label in leader:
            label = leader[label]
        return label

    for one, other in near_synonyms(labels):
        if (first := root(one)) != (second := root(other)):
            leader[second] = first
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[root(label)].append(label)
    return {label: tuple(group) for group in groups.values() if len(group) > 1 for label in group}


def _may_be(known: str, word: str) -> bool:
    """Whether a slip is thinkable at all: it begins right (sneaker is no speaker), and has no digit."""
    return (
        known[:2] == word[:2]
        and abs(len(known) - len(word)) <= 2
        and not any(letter.isdigit() for letter in known + word)
    )


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
