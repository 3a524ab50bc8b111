"""What a column of text holds: labels of a task, or something that is better kept as metadata."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

NUMBER = re.compile(r"[-+]?[\d\s.,:/%-]*\d[\d\s.,:/%-]*")
"""Numbers, dates and times."""

LONGEST_LABEL = 40
MOST_WORDS = 4


FEW_LABELS = 10
"""So many different values are labels even where a small table does not repeat most of them."""


def is_label_like(values: Sequence[str]) -> bool:
    """Whether the values of a column (missing ones left out) look like labels: more than one, and repeated.

    Identifiers (near-unique), numbers, dates and free text (see `is_text_like`) are not.
    """
    n, distinct = len(values), len(set(values))
    repeated = 2 * distinct <= n or (distinct <= FEW_LABELS and distinct < n)
    return distinct > 1 and repeated and not is_text_like(values)


def is_text_like(values: Sequence[str]) -> bool:
    """Whether `values` are numbers or dates for the most part, or free text: long, or of many words."""
    counts = Counter(values)
    wordy = sum(len(value) > LONGEST_LABEL or len(value.split()) > MOST_WORDS for value in counts)
    numeric = sum(NUMBER.fullmatch(value) is not None for value in counts)
    return 10 * wordy > len(counts) or 2 * numeric > len(counts)


def natural_key(text: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key that puts "2" before "10" and pays no heed to case; ties are broken by the text itself."""
    parts = re.split(r"([0-9]+)", text)
    numbered = tuple((0, int(part)) if part.isdecimal() else (1, part.casefold()) for part in parts if part)
    return (*numbered, (2, text))
