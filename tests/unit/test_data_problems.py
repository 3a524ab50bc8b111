"""Every problem is named with its row; bad rows are left out and counted, the rest works."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data import Problem, open_dataset

Build = Callable[..., Path]

CLEAN = [
    f"{split},{label},{split}_{label}_{n}.png"
    for split in ("train", "val", "test")
    for label in "ab"
    for n in (1, 2)
]


def problems(root: Path) -> list[Problem]:
    return list(open_dataset(root).report.problems)


@pytest.fixture
def with_rows(build: Build) -> Callable[..., Path]:
    """A sound data set of 12 rows (lines 2 to 13) with further rows after them."""

    def with_rows(*rows: str, images: tuple[str, ...] = ()) -> Path:
        text = "\n".join(["split,class_label,image_path", *CLEAN, *rows])
        return build(text, [*(line.split(",")[2] for line in CLEAN), *images])

    return with_rows


def test_a_sound_data_set_has_no_problem(with_rows: Build) -> None:
    assert problems(with_rows()) == []


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("train,a,none.png", "missing_file"),
        ("train,a,", "missing_file"),
        ("train,a,folder", "missing_file"),
        ("train,a,/etc/hostname", "outside_root"),
        ("train,a,../secret.png", "outside_root"),
        ("train,a,sub/../../secret.png", "outside_root"),
        ("train,a,..\\secret.png", "outside_root"),
        ("train,a,C:\\photos\\1.png", "outside_root"),
        ("train,a,C:1.png", "outside_root"),
        ("train,a,\\\\server\\share\\1.png", "outside_root"),
        ("train,a,link.png", "outside_root"),
        ("train,a,linked/secret.png", "outside_root"),
        ("train,a,round.png", "outside_root"),
        ("train,a,TRAIN_A_1.png", "missing_file"),
        ("train,a,train_a_1.png", "duplicate_path"),
        ("train,a,./train_a_1.png", "duplicate_path"),
        ("holdout,a,extra.png", "unknown_split"),
        (",a,extra.png", "unknown_split"),
    ],
)
def test_a_bad_row_is_left_out_and_named(with_rows: Build, tmp_path: Path, row: str, kind: str) -> None:
    root = with_rows(row, images=("extra.png",))
    (root / "folder").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes((root / "extra.png").read_bytes())
    (tmp_path / "secret.png").write_bytes((root / "extra.png").read_bytes())
    (root / "link.png").symlink_to(outside / "secret.png")
    (root / "linked").symlink_to(outside)
    (root / "round.png").symlink_to(root / "round.png")
    dataset = open_dataset(root)
    [problem] = [problem for problem in dataset.report.problems if problem.quarantined]
    assert (problem.kind, problem.row) == (kind, 14)
    assert problem.message.startswith("Line 14: ") and problem.fix
    assert (len(dataset), dataset.report.rows, dataset.report.quarantined) == (12, 13, 1)


def test_a_misspelt_file_is_suggested(with_rows: Build) -> None:
    [problem] = problems(with_rows("train,a,Extra.PNG", images=("extra.png",)))
    assert "extra.png" in problem.fix


def test_links_and_separators_within_the_root_are_followed(with_rows: Build) -> None:
    root = with_rows(
        "train,a,sub\\deep\\one.png", "train,b,alias.png", images=("sub/deep/one.png", "real.png")
    )
    (root / "alias.png").symlink_to("real.png")
    dataset = open_dataset(root)
    assert (len(dataset), dataset.report.problems) == (14, ())
    assert "sub/deep/one.png" in set(dataset.table["path"])


def test_accents_spelt_in_two_ways(with_rows: Build) -> None:
    dataset = open_dataset(with_rows("train,a,caf\u00e9.png", images=("cafe\u0301.png",)))
    assert (len(dataset), dataset.report.problems) == (13, ())


@pytest.mark.parametrize("damage", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(20)])
def test_an_unreadable_image(with_rows: Build, damage: bytes) -> None:
    root = with_rows()
    (root / "train_b_2.png").write_bytes(damage)
    named = {(problem.kind, problem.row, problem.path) for problem in problems(root) if problem.quarantined}
    assert named == {("unreadable_image", 5, "train_b_2.png")}


def test_a_second_row_counts_where_the_first_is_in_no_split(with_rows: Build) -> None:
    dataset = open_dataset(with_rows("later,a,extra.png", "test,a,extra.png", images=("extra.png",)))
    assert len(dataset) == 13


@pytest.mark.parametrize(
    ("rows", "kind", "row", "field"),
    [
        (["test,,extra.png"], "empty_label", 14, "class"),
        (["test,unknown,extra.png"], "empty_label", 14, "class"),
        (["test,c,extra.png"], "unseen_in_train", 14, "class"),
        (["train,c,extra.png"], "few_train_images", 14, "class"),
    ],
)
def test_a_warning_leaves_its_row_in(
    with_rows: Build, rows: list[str], kind: str, row: int, field: str
) -> None:
    dataset = open_dataset(with_rows(*rows, images=("extra.png",)))
    [problem] = dataset.report.problems
    assert (problem.kind, problem.row, problem.field, problem.quarantined) == (kind, row, field, False)
    assert len(dataset) == 13


@pytest.mark.parametrize(
    ("row", "fields"),
    [("train,a,copy.png", set()), ("train,b,copy.png", {"class"}), ("test,b,copy.png", {"class", "split"})],
)
def test_byte_identical_images(with_rows: Build, row: str, fields: set[str]) -> None:
    root = with_rows(row)
    (root / "copy.png").write_bytes((root / "train_a_1.png").read_bytes())
    found = problems(root)
    assert {problem.field for problem in found} == fields
    assert {problem.kind for problem in found} <= {"duplicate_image"}


def test_near_synonyms_name_the_rarer_spelling(with_rows: Build) -> None:
    rows = [
        "train,gray,1.png",
        "train,gray,2.png",
        "train,gray,3.png",
        "train,grey,4.png",
        "train,grey,5.png",
    ]
    [problem] = problems(with_rows(*rows, images=tuple(f"{n}.png" for n in range(1, 6))))
    assert (problem.kind, problem.row) == ("near_synonym", 17)
    assert "'gray' (3 images) and 'grey' (2 images)" in problem.message


def test_objects_in_two_splits(build: Build) -> None:
    csv = "image_path,class_label,split,instance_id\n" + "".join(
        f"{n}.png,{'ab'[n % 2]},{split},{instance}\n"
        for n, (split, instance) in enumerate(
            [
                ("train", "p"),
                ("train", "q"),
                ("train", "p"),
                ("train", "r"),
                ("val", "p"),
                ("test", "unknown"),
            ]
            + [("train", "unknown")]
        )
    )
    [problem] = problems(build(csv, [f"{n}.png" for n in range(7)]))
    assert (problem.kind, problem.row) == ("instance_across_splits", 2)
    assert "train: 2 and val: 1" in problem.message


def test_malformed_attributes_keep_what_is_well_formed(build: Build) -> None:
    cells = ["size:big;oops;size:small", "size:small", "size:big"]
    rows = [f"{name}.png,{label},{cell}" for name, label, cell in zip("abc", "xyx", cells, strict=True)]
    csv = "\n".join(["image_path,class_label,attributes", *rows])
    dataset = open_dataset(build(csv, ["a.png", "b.png", "c.png"]))
    malformed = [problem for problem in dataset.report.problems if problem.kind == "malformed_attributes"]
    assert [problem.row for problem in malformed] == [2, 2]
    assert dataset.codes("size").tolist() == [0, 1, 0]


def test_single_label_and_empty_split(build: Build) -> None:
    csv = "image_path,class_label,split\na.png,x,train\nb.png,x,train\nc.png,x,test\n"
    found = {problem.kind: problem.message for problem in problems(build(csv, ["a.png", "b.png", "c.png"]))}
    assert set(found) == {"single_label", "empty_split"}
    assert "'val'" in found["empty_split"]


def test_left_out_rows_are_counted_once(with_rows: Build) -> None:
    report = open_dataset(with_rows("nowhere,a,none.png", "train,a,none.png")).report
    assert (len(report.problems), report.quarantined) == (3, 2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_tried_again(with_rows: Build, tmp_path: Path) -> None:
    root = with_rows()
    file = root / "train_a_1.png"
    file.chmod(0)
    assert open_dataset(root, cache=tmp_path / "cache").report.quarantined == 1
    file.chmod(0o644)
    assert open_dataset(root, cache=tmp_path / "cache").report.quarantined == 0
