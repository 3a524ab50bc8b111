"""Selections: round trips through a link, hostile links, and the rows they keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.data import Dataset, Task, Taxonomy, ValidationReport
from core.errors import SelectionError
from core.selection import KEYS, OUTCOMES, Selection

words = some.text(some.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20).filter(
    str.isprintable
)


@dataclass(frozen=True)
class Head:
    """The part of an Outcomes that a selection reads."""

    labels: tuple[str, ...]
    truth: np.ndarray
    prediction: np.ndarray
    confidence: np.ndarray

    @property
    def scored(self) -> np.ndarray:
        return (self.truth >= 0) & (self.prediction >= 0)

    @property
    def correct(self) -> np.ndarray:
        return self.scored & (self.truth == self.prediction)


@pytest.fixture
def dataset() -> Dataset:
    table = pd.DataFrame(
        {
            "image_id": [f"{n:016x}" for n in range(6)],
            "path": [f"{n}.jpg" for n in range(6)],
            "sha": [f"{n:064x}" for n in range(6)],
            "split": ["train", "train", "test", "test", "test", "test"],
            "instance_id": ["a", "a", "b", "b", "", ""],
            "caption": ["red one", "", "Blue One (cracked", "", "", ""],
            "width": 8,
            "height": 8,
            "class": pd.Categorical(["x", "y", "x", "y", "x", None], categories=["x", "y"]),
            "light": ["day", "night", "day", "day", "night", "day"],
        }
    )
    taxonomy = Taxonomy((Task("class", ("x", "y")),))
    return Dataset("drawn", Path("."), table, taxonomy, "f" * 32, ValidationReport(6), ("light",))


@pytest.fixture
def head() -> Head:
    return Head(
        ("x", "y"),
        np.array([0, 1, 0, 1, 0, -1], np.int32),
        np.array([0, 1, 1, 1, -1, 0], np.int32),
        np.array([0.9, 0.8, 0.95, 0.6, np.nan, 0.5], np.float32),
    )


@given(
    some.builds(
        Selection,
        dataset=words,
        checkpoint=words,
        task=words,
        split=some.sampled_from(["train", "val", "test", "all"]),
        truth=some.lists(words, max_size=4, unique=True).map(tuple),
        prediction=some.lists(words, max_size=4, unique=True).map(tuple),
        outcome=some.sampled_from(OUTCOMES),
        confidence=some.tuples(some.integers(0, 50), some.integers(50, 100)).map(
            lambda percent: (percent[0] / 100, percent[1] / 100)
        ),
        where=some.lists(some.tuples(words, words), max_size=3, unique=True).map(tuple),
        query=words,
        notes=some.just(()),
    )
)
def test_a_link_reopens_the_selection(selection: Selection) -> None:
    again = Selection.from_query(selection.to_query())
    assert again == selection
    assert again.notes == ()


@given(some.dictionaries(some.sampled_from([*KEYS.values(), "other"]), some.text(max_size=60), max_size=8))
def test_any_link_gives_a_selection(query: dict[str, str]) -> None:
    selection = Selection.from_query(query)
    assert selection.outcome in OUTCOMES
    assert 0 <= selection.confidence[0] <= selection.confidence[1] <= 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("conf", "nan-1"),
        ("conf", "0.9-0.1"),
        ("conf", "5"),
        ("outcome", "<script>"),
        ("truth", "[[[["),
        ("truth", "[" * 1500),
        ("truth", "[1,2]"),
        ("where", '[{"a":1}]'),
        ("q", "x" * 3000),
        ("data", "a\x00b"),
    ],
)
def test_a_hostile_value_becomes_the_default_and_a_note(key: str, value: str) -> None:
    selection = Selection.from_query({key: value})
    assert selection == Selection()
    assert len(selection.notes) == 1
    assert "<script>" not in selection.notes[0]


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({}, [2, 3, 4, 5]),
        ({"split": "all"}, [0, 1, 2, 3, 4, 5]),
        ({"truth": ("x",)}, [2, 4]),
        ({"prediction": ("y",)}, [2, 3]),
        ({"outcome": "right"}, [3]),
        ({"outcome": "wrong"}, [2]),
        ({"outcome": "missing"}, [4]),
        ({"confidence": (0.6, 1.0)}, [2, 3]),
        ({"where": (("light", "day"),)}, [2, 3, 5]),
        ({"where": (("light", "day"), ("class", "x"))}, [2]),
        ({"where": (("light", "day"), ("light", "night"))}, [2, 3, 4, 5]),
        ({"query": "BLUE (cracked"}, [2]),
        ({"query": "b"}, [2, 3]),
    ],
)
def test_the_mask_keeps_the_rows_that_were_asked_for(
    dataset: Dataset, head: Head, changes: dict, rows: list[int]
) -> None:
    mask = Selection(**changes).mask(dataset, head)  # type: ignore[arg-type]
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == rows


def test_what_a_data_set_lacks_is_left_out_and_noted(dataset: Dataset) -> None:
    wanted = Selection(split="val", truth=("x", "zebra"), where=(("weather", "rain"), ("light", "day")))
    fitted = wanted.fitted(dataset, ("x", "y"))
    assert (fitted.split, fitted.truth, fitted.where) == ("test", ("x",), (("light", "day"),))
    assert len(fitted.notes) == 3


def test_clearing_keeps_what_is_looked_at() -> None:
    selection = Selection("d", "c", "t", "train", truth=("x",), query="q")
    assert selection.filtered
    assert selection.cleared() == Selection("d", "c", "t", "train")
    assert "truth: x" in selection.describe()
    assert "train" in selection.describe()


def test_slices_widen_among_themselves_and_narrow_the_rest(dataset: Dataset, head: Head) -> None:
    named = {"one": np.array([1, 0, 1, 0, 0, 0], bool), "two": np.array([0, 0, 1, 1, 0, 0], bool)}
    both = Selection(split="test", slices=("one", "two"))
    assert both.mask(dataset, head, named).tolist() == [False, False, True, True, False, False]  # type: ignore[arg-type]
    assert Selection.from_query(both.to_query()) == both
    assert both.filtered
    assert "slice: one, two" in both.describe()
    with pytest.raises(SelectionError, match="no slice 'one'"):
        both.mask(dataset, head)  # type: ignore[arg-type]
    fitted = both.fitted(dataset, ("x", "y"), named.keys() - {"one"})
    assert fitted.slices == ("two",)
    assert any("'one'" in note for note in fitted.notes)
