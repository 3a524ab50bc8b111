"""Attributes in one cell, and what makes a column a task."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.data.attributes import parse_attributes
from core.data.domain import is_label_like, natural_key

WORDS = st.text(st.characters(exclude_characters=";:", exclude_categories=("C", "Z")), min_size=1, max_size=8)


@given(
    st.dictionaries(WORDS, WORDS, max_size=6), st.lists(st.sampled_from(["", " "]), min_size=6, max_size=6)
)
def test_what_was_written_is_read(attributes: dict[str, str], spaces: list[str]) -> None:
    parts = [
        f"{space}{key}{space}:{value}"
        for (key, value), space in zip(attributes.items(), spaces, strict=False)
    ]
    assert parse_attributes(";".join(parts)) == (attributes, [])


@given(st.text(max_size=40))
def test_any_cell_is_read_or_reported(cell: str) -> None:
    found, faults = parse_attributes(cell)
    assert len(found) + len(faults) <= len(cell.split(";"))
    assert bool(found or faults) == any(part.strip() for part in cell.split(";"))
    assert all(key and key == key.strip() and ";" not in value for key, value in found.items())


def test_colons_and_repeated_keys() -> None:
    assert parse_attributes("at:12:30;;at:12:30") == ({"at": "12:30"}, [])
    assert parse_attributes("a:1;a:2;:3;b") == (
        {"a": "1"},
        ["'a' has two values, '1' and '2'", "':3' is not key:value", "'b' is not key:value"],
    )


def test_label_like_columns() -> None:
    assert is_label_like(["red", "blue", "red"])
    assert is_label_like([f"kind {n % 40}" for n in range(80)])
    assert not is_label_like(["only"] * 9)
    assert not is_label_like([f"id{n}" for n in range(9)])
    assert not is_label_like([f"kind {n % 40}" for n in range(79)][:60])
    assert not is_label_like(["1", "2.5", "1", "-3 %"] * 5)
    assert not is_label_like(["2024-01-01 10:00", "2024-01-02 11:30"] * 5)
    assert not is_label_like(["one of those things that people say", "and one more of the same kind"] * 5)


@given(st.lists(st.text(max_size=6), max_size=8))
def test_natural_order_is_total(texts: list[str]) -> None:
    backwards = texts[::-1]
    assert sorted(texts, key=natural_key) == sorted(backwards, key=natural_key)
    assert sorted(["b10", "B9", "b2", "a"], key=natural_key) == ["a", "b2", "B9", "b10"]
