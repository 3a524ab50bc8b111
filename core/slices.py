"""Named slices: sets of images that somebody saved under a name, kept in one JSON file per data set.

A slice names images and not a filter: it holds the same images under every checkpoint, and after labels were
corrected. How it came about is kept as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError
from core.files import atomic_write_json
from core.records import read_records, writing_alone

LONGEST = 60
"""Characters of a name."""
MOST_IMAGES = 200_000
"""Images of one slice: each costs 20 bytes in the file, which is read whole."""
MOST_SLICES = 200
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NamedSlice:
    """`images` are image ids, `about` says how they were chosen, `made` is ISO 8601, UTC."""

    name: str
    images: tuple[str, ...]
    about: str
    made: str


def read_slices(file: Path) -> tuple[NamedSlice, ...]:
    """The slices by name. Raises StoreError for a damaged file."""
    found = read_records(file, "slices", _parse, "The saved slices")
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


def add_slice(file: Path, new: NamedSlice) -> None:
    """Save a slice. Raises SelectionError for a name or a set that cannot be, StoreError where it fails."""
    name = slice_name(new.name)
    if not 1 <= len(new.images) <= MOST_IMAGES:
        raise SelectionError(
            "This slice cannot be saved",
            cause=f"It has {len(new.images):,} images; 1 to {MOST_IMAGES:,} are possible.",
            fix="Choose others.",
        )
    with writing_alone(file, "The slice"):
        held = read_slices(file)
        _free(held, name)
        if len(held) >= MOST_SLICES:
            raise SelectionError(
                "There are too many slices", cause=f"{MOST_SLICES} are kept.", fix="Delete one."
            )
        _write(file, (*held, replace(new, name=name)))


def rename_slice(file: Path, old: str, new: str) -> str:
    """Give a slice another name; returns it as it is kept. Raises SelectionError, StoreError."""
    name = slice_name(new)
    with writing_alone(file, "The slice"):
        held = read_slices(file)
        _known(held, old)
        _free([one for one in held if one.name != old], name)
        _write(file, (replace(one, name=name) if one.name == old else one for one in held))
    return name


def delete_slice(file: Path, name: str) -> None:
    """Forget a slice. Raises SelectionError where there is none of that name, StoreError."""
    with writing_alone(file, "The slice"):
        held = read_slices(file)
        _known(held, name)
        _write(file, (one for one in held if one.name != name))


def slice_name(text: str) -> str:
    """`text` as a slice's name: one line without spaces at its ends. Raises SelectionError."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise SelectionError(
            "A slice needs a name",
            cause=f"A name has 1 to {LONGEST} characters.",
            fix="Type another name.",
        )
    return name


def slice_masks(slices: Iterable[NamedSlice], image_ids: npt.NDArray[np.str_]) -> Mapping[str, Mask]:
    """Which rows (N,) bool each slice holds; images that are no longer in the data set are passed over."""
    return {one.name: np.isin(image_ids, np.asarray(one.images, dtype=str)) for one in slices}


def _known(held: Iterable[NamedSlice], name: str) -> None:
    if name not in {one.name for one in held}:
        raise SelectionError(
            f"There is no slice '{name}' any more", cause="Somebody renamed or deleted it.", fix="Reload."
        )


def _free(held: Iterable[NamedSlice], name: str) -> None:
    if name.casefold() in {one.name.casefold() for one in held}:
        raise SelectionError(
            f"There is a slice '{name}' already",
            cause="Names are told apart without regard to capitals.",
            fix="Type another name, or delete that slice first.",
        )


def _write(file: Path, slices: Iterable[NamedSlice]) -> None:
    atomic_write_json(file, {"slices": [asdict(one) for one in slices]})


def _parse(value: Any) -> NamedSlice:
    texts = [value[name] for name in ("name", "about", "made")]
    images = value["images"]
    if not all(isinstance(text, str) for text in (*texts, *images)) or isinstance(images, str):
        raise ValueError("a slice is not made of texts")
    return NamedSlice(texts[0], tuple(images), texts[1], texts[2])
