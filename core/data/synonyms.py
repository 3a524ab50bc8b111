"""Labels that may be two spellings of one thing: gray / grey, T-shirt / t_shirt, cup / cups."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations

VOWELS = frozenset("aeiouy")


def near_synonyms(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of distinct labels that probably mean one thing, in the order of `labels`.

    Words that merely look alike (mat / matte, shirt / skirt, sneaker / speaker, size 1 / size 2) are not
    paired: one letter may differ only as spellings and slips of the pen do (a vowel for a vowel, a doubled or
    lost letter, two letters swapped), or in a word so long that hardly another is so near to it.
    """
    by_key: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for label in labels:
        by_key[tuple(singular(word) for word in words(label))].append(label)
    same = [pair for alike in by_key.values() for pair in combinations(alike, 2)]
    place = {label: number for number, label in enumerate(labels)}
    return sorted(
        {(a, b) if place[a] < place[b] else (b, a) for a, b in (*same, *_slips(by_key))},
        key=lambda pair: (place[pair[0]], place[pair[1]]),
    )


def words(label: str) -> list[str]:
    """The words of a label in lower case without accents; spaces, `_`, `-` and capitals within divide them.

    >>> words("T-shirt_largeSize")
    ['t', 'shirt', 'large', 'size']
    """
    divided = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", divided.casefold())
        if not unicodedata.combining(letter)
    )
    return re.findall(r"[^\W_]+", plain) or [plain]


def singular(word: str) -> str:
    """`word` without a regular English plural ending; short words are left as they are."""
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word.removesuffix("s")


def _slips(by_key: dict[tuple[str, ...], list[str]]) -> Iterator[tuple[str, str]]:
    """Pairs that differ in one word by one slip. Only keys with a common neighbour are compared."""
    neighbours: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for key in by_key:
        for neighbour in set(_neighbours(key)):
            neighbours[neighbour].append(key)
    pairs = {pair for keys in neighbours.values() for pair in combinations(keys, 2)}
    for one, other in pairs:
        differing = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
        if len(differing) == 1 and is_slip(*differing[0]):
            yield from ((a, b) for a in by_key[one] for b in by_key[other])


def _neighbours(key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The key itself, and it less any one letter: two keys that are one slip apart share one of these."""
    yield key
    for place, word in enumerate(key):
        for at, letter in enumerate(word):
            if not letter.isdigit():
                yield (*key[:place], word[:at] + word[at + 1 :], *key[place + 1 :])


def is_slip(one: str, other: str) -> bool:
    """Whether two different words are one but for a slip: see `near_synonyms`."""
    short, long = sorted((one, other), key=len)
    if len(short) < 4 or len(long) - len(short) > 1 or short[0] != long[0] or _digits(one) != _digits(other):
        return False
    if len(short) == len(long):
        return _is_swap(one, other) or _is_respelling(one, other)
    return _is_lost_letter(short, long)


def _digits(word: str) -> str:
    return "".join(letter for letter in word if letter.isdigit())


def _is_swap(one: str, other: str) -> bool:
    """balck / black"""
    apart = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(apart) != 2 or apart[1] != apart[0] + 1:
        return False
    first, second = apart
    return one[first] == other[second] and one[second] == other[first]


def _is_respelling(one: str, other: str) -> bool:
    """gray / grey; in a word of nine letters or more, any one letter"""
    apart = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(apart) == 1 and (len(one) >= 9 or VOWELS.issuperset(apart[0]))


def _is_lost_letter(short: str, long: str) -> bool:
    """colour / color, bottle / botle; in a word of eight letters or more, any letter but the last"""
    edits = [
        code
        for code in SequenceMatcher(None, short, long, autojunk=False).get_opcodes()
        if code[0] != "equal"
    ]
    if len(edits) != 1 or edits[0][0] != "insert":
        return False
    place = edits[0][3]
    letter = long[place]
    doubled = letter in (long[place - 1], long[place + 1 : place + 2])
    inner = 0 < place < len(long) - 1
    return doubled or (inner and (len(short) >= 8 or (len(short) >= 5 and letter in VOWELS)))
