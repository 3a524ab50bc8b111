"""Named slices: kept whole, names told apart, damage left alone, rows found again, filters over them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from core.errors import SelectionError, StoreError
from core.slices import (
    MOST_IMAGES,
    NamedSlice,
    add_slice,
    delete_slice,
    read_slices,
    rename_slice,
    slice_masks,
)

SLICE = NamedSlice("dark ones", ("a", "c"), "test split · only wrong", "2026-01-02T03:04:05+00:00")


def test_a_slice_is_saved_renamed_and_deleted(tmp_path: Path) -> None:
    file = tmp_path / "slices" / "set.json"
    assert read_slices(file) == ()
    add_slice(file, SLICE)
    add_slice(file, replace(SLICE, name="  Bright \n ones ", images=("b",)))
    assert [one.name for one in read_slices(file)] == ["Bright ones", "dark ones"]
    assert rename_slice(file, "dark ones", "Dark ones") == "Dark ones"
    assert read_slices(file)[1] == replace(SLICE, name="Dark ones")
    delete_slice(file, "Bright ones")
    assert [one.name for one in read_slices(file)] == ["Dark ones"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(SLICE, name="Dark Ones"),
        replace(SLICE, name="  "),
        replace(SLICE, name="x" * 61),
        replace(SLICE, name="a\x07"),
        replace(SLICE, name="none", images=()),
        replace(SLICE, name="many", images=("a",) * (MOST_IMAGES + 1)),
    ],
)
def test_a_slice_that_cannot_be_is_refused(tmp_path: Path, wrong: NamedSlice) -> None:
    file = tmp_path / "set.json"
    add_slice(file, SLICE)
    with pytest.raises(SelectionError):
        add_slice(file, wrong)
    assert read_slices(file) == (SLICE,)


def test_what_is_gone_cannot_be_changed(tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    with pytest.raises(SelectionError, match="no slice 'x'"):
        rename_slice(file, "x", "y")
    with pytest.raises(SelectionError, match="no slice 'x'"):
        delete_slice(file, "x")


def test_two_people_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    new = [replace(SLICE, name=f"slice {number}") for number in range(12)]
    threads = [Thread(target=add_slice, args=(file, one)) for one in new]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in read_slices(file)} == {one.name for one in new}


@pytest.mark.parametrize("text", ["", "{", '{"slices": [{}]}', "[]", '{"slices": [{"name": 3}]}'])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(text)
    for change in (
        lambda: add_slice(file, SLICE),
        lambda: delete_slice(file, "x"),
        lambda: read_slices(file),
    ):
        with pytest.raises(StoreError, match="cannot be read"):
            change()
    assert file.read_text() == text


def test_images_that_left_the_data_set_are_passed_over() -> None:
    masks = slice_masks([SLICE], np.array(["c", "b", "d"]))
    assert masks["dark ones"].tolist() == [True, False, False]
