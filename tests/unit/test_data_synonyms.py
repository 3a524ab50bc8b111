"""Two spellings of one label are found; two labels that look alike are left in peace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.synonyms import near_synonyms


@pytest.mark.parametrize(
    "pair",
    [
        ("gray", "grey"),
        ("color", "colour"),
        ("T-shirt", "t_shirt"),
        ("t shirt", "T-Shirt"),
        ("waterBottle", "water_bottle"),
        ("cup", "cups"),
        ("watch", "watches"),
        ("battery", "batteries"),
        ("café", "cafe"),
        ("bottle", "botle"),
        ("black", "balck"),
        ("dark grey", "dark gray"),
        ("backpack", "backpck"),
        ("calculator", "calkulator"),
        ("mouse (wired)", "mouse wired"),
    ],
)
def test_spellings_of_one_label(pair: tuple[str, str]) -> None:
    assert near_synonyms(pair) == [pair]
    assert near_synonyms(("other", *reversed(pair), "thing")) == [pair[::-1]]


@pytest.mark.parametrize(
    "pair",
    [
        ("small", "large"),
        ("mat", "matte"),
        ("shirt", "skirt"),
        ("shirt", "t-shirt"),
        ("sneaker", "speaker"),
        ("house", "mouse"),
        ("coat", "boat"),
        ("cup", "cap"),
        ("plan", "plane"),
        ("table", "tablet"),
        ("red", "rod"),
        ("men", "women"),
        ("size 1", "size 2"),
        ("model2020", "model2021"),
        ("light blue", "light brown"),
        ("new", "news stand"),
        ("+", "-"),
    ],
)
def test_labels_that_only_look_alike(pair: tuple[str, str]) -> None:
    assert near_synonyms(pair) == []


@given(st.lists(st.text(max_size=12), unique=True, max_size=12))
def test_pairs_are_of_the_labels_and_in_their_order(labels: list[str]) -> None:
    for one, other in near_synonyms(labels):
        assert labels.index(one) < labels.index(other)


def test_many_labels_take_little_time() -> None:
    labels = [f"{word}{'abcdefghij'[n % 10]}{n}" for n, word in enumerate(["plate", "glass", "spoon"] * 1000)]
    assert near_synonyms(labels) == []
