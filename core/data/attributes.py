"""Attributes written in one cell: "key:value;key:value"."""

from __future__ import annotations


def parse_attributes(cell: str) -> tuple[dict[str, str], list[str]]:
    """Split `cell` at ";" and each part at its first ":": the attributes, and what was not acceptable in it.

    Keys and values are stripped; empty parts are passed over; a part without a key, or a key that comes back
    with another value, is reported and left out (the first value stays).

    >>> parse_attributes("finish: matt; size:large;")
    ({'finish': 'matt', 'size': 'large'}, [])
    """
    found: dict[str, str] = {}
    faults: list[str] = []
    for part in cell.split(";"):
        if not part.strip():
            continue
        key, colon, value = (text.strip() for text in part.partition(":"))
        if not colon or not key:
            faults.append(f"'{part.strip()}' is not key:value")
        elif found.setdefault(key, value) != value:
            faults.append(f"'{key}' has two values, '{found[key]}' and '{value}'")
    return found, faults
