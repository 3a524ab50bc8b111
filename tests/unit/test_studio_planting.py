"""Planted defects: how many, where, and that they do not get in each other's way."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from training.studio.develop import develop, encode
from training.studio.plan import make_plan
from training.studio.planting import Defect, Planting, decide, near_duplicate, plant, truncate


@pytest.fixture(scope="module")
def planting() -> Planting:
    return decide(make_plan(600, 5), 7)


def of_kind(planting: Planting, kind: str, task: str = "") -> list[Defect]:
    return [d for d in planting.defects if d.kind == kind and task in ("", d.task)]


def test_counts(planting: Planting) -> None:
    assert len(of_kind(planting, "wrong_label", "class")) == 12
    assert len(of_kind(planting, "wrong_label", "color")) == 10
    assert len(of_kind(planting, "near_duplicate")) == 8
    assert len(of_kind(planting, "corrupt")) == 1
    assert len({planting.rows[d.image_path].instance_id for d in of_kind(planting, "leaking_instance")}) == 3
    assert of_kind(planting, "synonym")
    assert of_kind(planting, "weak_slice")


def test_no_image_carries_two_defects(planting: Planting) -> None:
    paths = [d.image_path for d in planting.defects]
    assert len(paths) == len(set(paths))
    originals = {d.other_path for d in of_kind(planting, "near_duplicate")}
    assert not originals & set(paths)


def test_given_values_stand_in_the_table(planting: Planting) -> None:
    for defect in planting.defects:
        if defect.kind in ("wrong_label", "synonym"):
            assert planting.rows[defect.image_path].value(defect.task) == defect.given != defect.truth


def test_captions_follow_the_given_label(planting: Planting) -> None:
    for defect in of_kind(planting, "wrong_label", "color"):
        words = planting.rows[defect.image_path].caption
        assert defect.given in words
        assert defect.truth not in words


def test_only_the_planted_instances_leak(planting: Planting) -> None:
    splits = defaultdict(set)
    for row in planting.rows.values():
        splits[row.instance_id].add(row.split)
    leaking = {planting.rows[d.image_path].instance_id for d in of_kind(planting, "leaking_instance")}
    assert {k for k, found in splits.items() if len(found) > 1} == leaking


def test_copies_cross_splits_under_a_fresh_instance(planting: Planting) -> None:
    counts = Counter(row.instance_id for row in planting.rows.values())
    for defect in of_kind(planting, "near_duplicate"):
        copy, original = planting.rows[defect.image_path], planting.rows[defect.other_path]
        assert copy.split != original.split == "train"
        assert counts[copy.instance_id] == 1
        assert (copy.class_label, copy.attributes) == (original.class_label, original.attributes)


def test_a_small_plan_is_refused() -> None:
    with pytest.raises(DataError):
        decide(make_plan(600, 5)[:60], 7)


def test_plant_writes_the_defects_and_again_the_same(tmp_path: Path) -> None:
    plan = make_plan(600, 5)
    rng = np.random.default_rng(0)
    for photograph in plan:
        path = tmp_path / photograph.image_path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(rng.random((16, 16, 3), dtype=np.float32), 80))
    plant(plan, tmp_path, 7)
    once = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    plant(plan, tmp_path, 7)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == once
    broken = [p.name for p in sorted((tmp_path / "images").iterdir()) if not readable(p)]
    assert broken == [Path(d.image_path).name for d in decide(plan, 7).defects if d.kind == "corrupt"]


def readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def test_truncating_twice_is_truncating_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(np.random.default_rng(1).random((32, 32, 3), dtype=np.float32), 90))
    size = path.stat().st_size
    truncate(path)
    truncate(path)
    assert path.stat().st_size == size * 2 // 5


@pytest.mark.parametrize("change", ["encoded again", "cropped by 4 %", "brighter by 12 %"])
def test_copies_are_near_but_not_equal(tmp_path: Path, change: str) -> None:
    y, x = np.mgrid[0:1:64j, 0:1:64j]
    picture = np.dstack([x, y, 0.3 + 0 * x]).astype(np.float32)
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(picture, 90))
    copy = near_duplicate(path, change)
    assert copy != path.read_bytes()
    (tmp_path / "b.jpg").write_bytes(copy)
    with Image.open(path) as first, Image.open(tmp_path / "b.jpg") as second:
        assert second.size == first.size
        assert np.abs(np.asarray(first, dtype=float) - np.asarray(second, dtype=float)).mean() < 16


def test_developing_is_repeatable_and_keeps_range() -> None:
    picture = np.random.default_rng(2).random((48, 48, 3)).astype(np.float32) * 0.7
    first, second = develop(picture, "dim", 3), develop(picture, "dim", 3)
    assert np.array_equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1
    assert develop(picture, "studio", 3).mean() > first.mean() > develop(picture, "dark", 3).mean()
