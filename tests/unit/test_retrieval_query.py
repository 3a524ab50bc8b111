"""Queries: words reach labels by head, part, spelling and slip; what reaches none is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.taxonomy import Task, Taxonomy
from core.retrieval import Lexicon, Query, parse
from tests.unit.retrieval_case import TAXONOMY

LEXICON = Lexicon([TAXONOMY])


def read(text: str) -> Query:
    return parse(text, LEXICON)


def labels(text: str) -> list[set[str]]:
    return [{option.label for option in term.options} for term in read(text).terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blue bottle", [{"blue"}, {"water_bottle"}]),
        ("Blue BOTTLES", [{"blue"}, {"water_bottle"}]),
        ("grey", [{"gray", "grey"}]),
        ("bag", [{"travel_handbag"}]),
        ("travel", [{"travel_handbag", "travel_backpack"}]),
        ("water bottle", [{"water_bottle"}]),
        ("dark red mug", [{"dark_red"}, {"ceramic_mug"}]),
        ("red", [{"dark_red"}]),
        ("color:blue", [{"blue"}]),
        ("colour:blue", [{"blue"}]),
        ('"wrist watch"', [{"wrist_watch"}]),
        ("class:watches", [{"wrist_watch"}]),
        ("black or blue mug", [{"black", "blue"}, {"ceramic_mug"}]),
        ("a photo of the mug, please", [{"ceramic_mug"}]),
        ("blue color", [{"blue"}]),
        ("plastik botle", [{"plastic"}, {"water_bottle"}]),
        ("bleu", [{"blue"}]),
        ("", []),
    ],
)
def test_words_reach_labels(text: str, expected: list[set[str]]) -> None:
    assert labels(text) == expected
    assert read(text).unknown == ()


@pytest.mark.parametrize("text", ["not black mug", "-black mug", "mug without black", "mug no black"])
def test_negation_holds_for_the_next_term_only(text: str) -> None:
    negated = {next(iter(term.options)).label: term.negated for term in read(text).terms}
    assert negated == {"black": True, "ceramic_mug": False}


def test_not_either_negates_both() -> None:
    (term,) = read("not black or blue").terms
    assert term.negated and {option.label for option in term.options} == {"black", "blue"}


def test_an_unknown_word_is_named_with_its_nearest_labels() -> None:
    found = read("jug")
    assert found.terms == ()
    (note,) = found.notes
    assert note.startswith("no label for 'jug'; nearest: ")
    assert "ceramic_mug (class)" in note
    assert [unknown.words for unknown in read("blue t-shirt").unknown] == ["t-shirt"]


def test_labels_that_are_not_spelt_like_a_word_are_not_called_near() -> None:
    (note,) = read("xylophones").notes
    assert note == "no label for 'xylophones'; nearest: none is spelt like it"


def test_a_word_that_merely_looks_alike_is_not_taken_for_a_label() -> None:
    lexicon = Lexicon([Taxonomy((Task("class", ("skirt", "speaker", "scar")),))])
    for word in ("shirt", "sneaker", "car"):
        assert parse(word, lexicon).terms == (), word


def test_what_was_read_differently_is_said() -> None:
    assert read("plastik").notes == ("'plastik' was read as 'plastic'",)
    assert read("plastics").notes == ()


def test_a_field_searches_one_task_and_an_unknown_field_none() -> None:
    lexicon = Lexicon([Taxonomy((Task("class", ("orange", "apple")), Task("color", ("orange", "red"))))])
    tasks = [[o.task for o in term.options] for term in parse("color:orange", lexicon).terms]
    assert tasks == [["color"]]
    assert parse("orange", lexicon).terms[0].tasks == ("class", "color")
    assert parse("shape:orange", lexicon).terms == ()
    assert "shape:orange" in parse("shape:orange", lexicon).notes[0]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = read(text)
    assert len(found.terms) <= 16
    assert all(term.options for term in found.terms)
    assert len(found.notes) <= 32


def test_every_label_finds_itself() -> None:
    for option in LEXICON.options:
        for said in (option.label, option.label.replace("_", " "), f'{option.task}:"{option.label}"'):
            (term,) = read(said).terms
            assert option in term.options, said
