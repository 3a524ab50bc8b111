"""The embedded data set as it is committed."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from PIL import Image

from core.settings import HOME
from training.studio.labels import Row
from training.studio.plan import make_plan
from training.studio.planting import decide

DEMO = HOME / "data" / "demo"
SEED = 1191


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with (DEMO / "labels.csv").open(newline="", encoding="utf-8") as stream:
        return [Row(**line) for line in csv.DictReader(stream)]


@pytest.fixture(scope="module")
def planted() -> list[dict[str, str]]:
    with (DEMO / "planted.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_table_has_the_agreed_columns() -> None:
    header = (DEMO / "labels.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "image_path,class_label,attributes,caption,split,instance_id"
    assert (DEMO / "planted.csv").read_text(encoding="utf-8").splitlines()[
        0
    ] == "kind,image_path,task,given,truth,other_path,note"


def test_sizes(rows: list[Row]) -> None:
    assert len(rows) == len({row.image_path for row in rows}) == 600
    assert Counter(row.split for row in rows) == {"train": 447, "val": 100, "test": 53}
    assert len({row.class_label for row in rows}) == 10
    for row in rows:
        assert [part.split(":")[0] for part in row.attributes.split(";")] == [
            "color",
            "material",
            "condition",
            "size",
            "style",
        ]


def test_table_is_the_plan_with_its_defects(rows: list[Row], planted: list[dict[str, str]]) -> None:
    planting = decide(make_plan(600, SEED), SEED)
    assert rows == list(planting.rows.values())
    assert planted == [vars(defect) for defect in planting.defects]


def test_every_label_of_val_and_test_occurs_in_train(rows: list[Row]) -> None:
    for task in ("class", "color", "material", "condition", "size", "style"):
        seen = Counter(row.value(task) for row in rows if row.split == "train")
        assert {row.value(task) for row in rows if row.split != "train"} <= set(seen)
        assert min(seen.values()) >= 5


def test_only_planted_instances_leak(rows: list[Row], planted: list[dict[str, str]]) -> None:
    splits = defaultdict(set)
    for row in rows:
        splits[row.instance_id].add(row.split)
    by_path = {row.image_path: row for row in rows}
    leaking = {by_path[d["image_path"]].instance_id for d in planted if d["kind"] == "leaking_instance"}
    assert {key for key, found in splits.items() if len(found) > 1} == leaking
    assert len(leaking) == 3


def test_only_the_planted_image_is_unreadable(rows: list[Row], planted: list[dict[str, str]]) -> None:
    broken = [row.image_path for row in rows if not _readable(DEMO / row.image_path)]
    assert broken == [d["image_path"] for d in planted if d["kind"] == "corrupt"]


def _readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            assert image.size == (224, 224)
            assert image.format == "JPEG"
            image.load()
    except OSError:
        return False
    return True


def test_folder_stays_small_and_holds_nothing_else(rows: list[Row]) -> None:
    files = [path for path in DEMO.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12 * 2**20
    pictures = {str(path.relative_to(DEMO)) for path in files if path.suffix == ".jpg"}
    assert pictures == {row.image_path for row in rows}
