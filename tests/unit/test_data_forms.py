"""The three forms of a data set, read from what people really have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data import BASE_COLUMNS, Dataset, open_dataset
from core.errors import DataError

Build = Callable[..., Path]


def kinds(dataset: Dataset) -> dict[str, int]:
    return dataset.report.counts()


def test_team13_form(team13: Path, tmp_path: Path) -> None:
    dataset = open_dataset(team13, cache=tmp_path)
    assert dataset.taxonomy.names == ("class", "color", "material", "condition", "size", "style")
    assert [len(task.labels) for task in dataset.taxonomy.tasks] == [10, 15, 9, 4, 3, 6]
    assert dataset.table["split"].value_counts().to_dict() == {"train": 447, "val": 100, "test": 53}
    assert len(set(dataset.instances.tolist())) == 123
    assert dataset.report.quarantined == 0
    found = {(problem.kind, problem.field, problem.row) for problem in dataset.report.problems}
    assert ("near_synonym", "color", 517) in found
    assert {kind for kind, _, _ in found} == {"near_synonym", "unseen_in_train"}


def test_a_pool_of_untidy_photographs(pool: Path) -> None:
    dataset = open_dataset(pool)
    assert (len(dataset), dataset.report.quarantined) == (2305, 0)
    assert dataset.taxonomy.names == ("class",)
    assert dataset.metadata == ("source",)
    assert pd.api.types.is_integer_dtype(dataset.table["source"])
    assert not dataset.has_instances
    for split, share in {"train": 0.75, "val": 0.15, "test": 0.10}.items():
        assert np.mean(dataset.split_mask(split)) == pytest.approx(share, abs=0.01)
        assert set(dataset.codes("class")[dataset.split_mask(split)]) == set(range(10))


def test_the_table_keeps_its_contract(placeholder_root: Path) -> None:
    dataset = open_dataset(placeholder_root)
    table = dataset.table
    assert list(table.columns) == [*BASE_COLUMNS, *dataset.taxonomy.names]
    assert table.index.equals(pd.RangeIndex(48))
    assert table["path"].is_monotonic_increasing
    assert table["image_id"].is_unique and table["image_id"].str.fullmatch("[0-9a-f]{16}").all()
    assert table["sha"].str.fullmatch("[0-9a-f]{64}").all()
    for task in dataset.taxonomy.tasks:
        assert tuple(table[task.name].cat.categories) == task.labels
    assert (table[["width", "height"]] == 96).all(axis=None)
    assert all(dataset.file(row).is_file() for row in range(len(dataset)))


def test_unknown_and_absent_attributes_are_masked(build: Build) -> None:
    root = build(
        "image_path,class_label,attributes\n"
        "a.png,cup,finish:matt;size:large\n"
        "b.png,cup,finish:UNKNOWN\n"
        "c.png,pot,size:small;finish:\n"
        "d.png,pot,\n",
        ["a.png", "b.png", "c.png", "d.png"],
    )
    dataset = open_dataset(root)
    assert dataset.taxonomy.names == ("class", "finish", "size")
    assert dataset.codes("finish").tolist() == [0, -1, -1, -1]
    assert dataset.codes("size").tolist() == [0, -1, 1, -1]


def test_labels_are_in_natural_order(build: Build) -> None:
    rows = "".join(f"{n}.png,box {n}\n" for n in (10, 2, 1))
    dataset = open_dataset(build("image_path,class\n" + rows, ["10.png", "2.png", "1.png"]))
    assert dataset.taxonomy.primary.labels == ("box 1", "box 2", "box 10")


def test_wide_csv_tells_tasks_from_metadata(build: Build) -> None:
    lines = ["file,label,shade,weight,sku,remark,shot,maker"]
    for n in range(12):
        remark = f"seen on shelf {n % 6} next to the other ones of the day"
        shade = ("dark", "light", "unknown")[n % 3]
        lines.append(f"{n}.png,{'ab'[n % 2]},{shade},{n % 4}.5,SKU-{n}X,{remark},2024-0{n % 3 + 1}-01,Acme")
    dataset = open_dataset(build("\n".join(lines), [f"{n}.png" for n in range(12)]))
    assert dataset.taxonomy.to_json() == {"class": ["a", "b"], "shade": ["dark", "light"]}
    assert dataset.metadata == ("weight", "sku", "remark", "shot", "maker")
    assert dataset.table["weight"].tolist()[:2] == [0.5, 1.5]


def test_a_column_may_bear_the_name_of_one_of_ours(build: Build) -> None:
    csv = "image_path,class,width,sha,line\na.png,x,wide,s,1\nb.png,y,narrow,s,2\nc.png,y,wide,t,3\n"
    dataset = open_dataset(build(csv, ["a.png", "b.png", "c.png"]))
    assert dataset.taxonomy.names == ("class", "width (given)", "sha (given)")
    assert dataset.table["width"].tolist() == [8, 8, 8]
    assert dataset.table["line"].tolist() == [1, 2, 3]


def test_folder_per_class(build: Build) -> None:
    root = build(
        images=["Tea Cup/1.JPEG", "Tea Cup/deep/er/2.png", "größe/ä b.PNG", "größe/x.txt", ".git/z.png"]
    )
    (root / "notes.csv").write_text("day,weather\n1,rain\n")
    dataset = open_dataset(root)
    assert dataset.taxonomy.to_json() == {"class": ["größe", "Tea Cup"]}
    assert dataset.table["path"].tolist() == ["Tea Cup/1.JPEG", "Tea Cup/deep/er/2.png", "größe/ä b.PNG"]


@pytest.mark.parametrize(
    ("choice", "labels"), [("first", ["a", "b"]), ("last", ["x", "y"]), ("path", ["a/x", "b/y"])]
)
def test_nested_folders(build: Build, choice: str, labels: list[str]) -> None:
    root = build(images=["a/x/1.png", "b/y/2.png"], toml=f'class_folder = "{choice}"')
    assert list(open_dataset(root).taxonomy.primary.labels) == labels


def test_folders_in_an_outer_folder(build: Build) -> None:
    assert open_dataset(build(images=["images/a/1.png", "images/b/2.png"])).taxonomy.primary.labels == (
        "a",
        "b",
    )


def test_split_folders(build: Build) -> None:
    root = build(
        images=["Train/a/1.png", "Train/b/2.png", "valid/a/3.png", "test/b/4.png", "loose.png", "misc/5.png"]
    )
    dataset = open_dataset(root)
    assert dict(zip(dataset.table["path"], dataset.table["split"], strict=True)) == {
        "Train/a/1.png": "train",
        "Train/b/2.png": "train",
        "test/b/4.png": "test",
        "valid/a/3.png": "val",
    }
    left_out = {problem.path: problem.kind for problem in dataset.report.problems if problem.quarantined}
    assert left_out == {"loose.png": "outside_class_folder", "misc/5.png": "outside_class_folder"}
    assert (dataset.report.rows, dataset.report.quarantined) == (6, 2)


def test_classes_named_like_splits_are_classes(build: Build) -> None:
    dataset = open_dataset(build(images=["train/1.png", "car/2.png", "bus/3.png"]))
    assert dataset.taxonomy.primary.labels == ("bus", "car", "train")


def test_file_names_that_are_no_text(build: Build) -> None:
    root = build(images=["a/1.png", "b/2.png"])
    (root / "a").joinpath(b"\xff.png".decode("utf-8", "surrogateescape")).write_bytes(b"")
    dataset = open_dataset(root, cache=root.parent / "cache")
    assert (len(dataset), kinds(dataset)["unreadable_name"]) == (2, 1)


@pytest.mark.parametrize("content", [None, "image_path,class_label\n", "image_path,class_label\nno.png,a\n"])
def test_nothing_usable_says_what_to_do(build: Build, content: str | None) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset(build(content))
    assert caught.value.cause and caught.value.fix


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder 'nowhere'"):
        open_dataset(tmp_path / "nowhere")
