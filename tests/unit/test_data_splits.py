"""The split that is made where there is none: whole groups, fair shares, every class in train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import open_dataset
from core.data.options import MadeSplit
from core.data.splits import groups, make_split

Rows = list[tuple[int, str, str]]

ROWS = st.lists(
    st.tuples(
        st.integers(-1, 4),
        st.sampled_from(["", *"abcdefgh"]),
        st.integers(0, 30).map(lambda n: f"{n:064x}"),
    ),
    min_size=1,
    max_size=60,
)


def split(rows: Rows, seed: int = 0) -> list[str]:
    hashes = [sha for _, _, sha in rows]
    codes = np.array([code for code, _, _ in rows], dtype=np.int32)
    return make_split(
        codes, groups([instance for _, instance, _ in rows], hashes), hashes, MadeSplit(seed=seed)
    )


@given(ROWS)
def test_groups_stay_whole_and_every_class_is_in_train(rows: Rows) -> None:
    made = split(rows)
    for column in (1, 2):
        places: dict[str, set[str]] = {}
        for row, name in zip(rows, made, strict=True):
            if row[column]:
                places.setdefault(row[column], set()).add(name)  # type: ignore[arg-type]
        assert all(len(found) == 1 for found in places.values())
    trained = {code for (code, _, _), name in zip(rows, made, strict=True) if name == "train"}
    assert trained >= {code for code, _, _ in rows} - {-1}


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(rows: Rows, random: object) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    made = split(rows)
    assert split([rows[number] for number in order]) == [made[number] for number in order]


@settings(max_examples=20)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=8), st.integers(0, 3))
def test_shares_come_out_per_class_and_over_all(sizes: list[int], seed: int) -> None:
    rows = [(code, "", f"{code}-{n}") for code, size in enumerate(sizes) for n in range(size)]
    made = np.array(split(rows, seed))
    codes = np.array([code for code, _, _ in rows])
    for code, size in enumerate(sizes):
        for name, share in (("train", 0.75), ("val", 0.15), ("test", 0.10)):
            assert abs((made[codes == code] == name).sum() - share * size) <= 2
    for name, share in (("val", 0.15), ("test", 0.10)):
        assert (made == name).sum() <= share * len(rows) + 2


def test_small_classes_together_still_fill_each_split() -> None:
    made = split([(code, "", f"{code}-{n}") for code in range(20) for n in range(4)])
    assert [made.count(name) for name in ("train", "val", "test")] == pytest.approx([60, 12, 8], abs=2)


def test_another_seed_draws_another_split() -> None:
    rows = [(n % 3, "", f"{n}") for n in range(90)]
    assert split(rows, 0) == split(rows, 0) != split(rows, 1)


def test_a_split_survives_new_names_and_a_new_order(build: Callable[..., Path]) -> None:
    names = [f"{n}.png" for n in range(40)]
    lines = [f"{name},{'ab'[n % 2]}" for n, name in enumerate(names)]
    first = open_dataset(build("path,class\n" + "\n".join(lines), names))
    root = build("path,class\n" + "\n".join(f"z{line}" for line in reversed(lines)))
    for name in names:
        (root / name).rename(root / f"z{name}")
    second = open_dataset(root)
    assert dict(zip(first.table["sha"], first.table["split"], strict=True)) == dict(
        zip(second.table["sha"], second.table["split"], strict=True)
    )
