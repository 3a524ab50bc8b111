"""The plan of photographs: shares, splits, determinism."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from core.errors import DataError
from training.studio.__main__ import main
from training.studio.catalogue import CLASSES
from training.studio.plan import WEAK_SLICE, Photograph, make_plan


@pytest.fixture(scope="module")
def plan() -> tuple[Photograph, ...]:
    return make_plan(600, 5)


def test_plan_is_a_function_of_its_arguments(plan: tuple[Photograph, ...]) -> None:
    assert make_plan(600, 5) == plan
    assert make_plan(600, 6) != plan


def test_instances_lie_in_one_split(plan: tuple[Photograph, ...]) -> None:
    splits = defaultdict(set)
    for photograph in plan:
        splits[photograph.instance.instance_id].add(photograph.instance.split)
    assert len(splits) == 120
    assert {len(found) for found in splits.values()} == {1}


def test_classes_have_equal_shares_of_every_split(plan: tuple[Photograph, ...]) -> None:
    counts = Counter((p.instance.class_label, p.instance.split) for p in plan)
    assert Counter(p.instance.class_label for p in plan) == {product.label: 60 for product in CLASSES}
    for split in ("train", "val", "test"):
        of_split = [counts[product.label, split] for product in CLASSES]
        assert max(of_split) - min(of_split) <= 2
        assert min(of_split) >= 5


def test_values_fit_the_class(plan: tuple[Photograph, ...]) -> None:
    by_label = {product.label: product for product in CLASSES}
    for photograph in plan:
        product, instance = by_label[photograph.instance.class_label], photograph.instance
        assert instance.color in product.colours
        assert instance.material in product.materials
        assert instance.style in product.styles
        assert photograph.pose in product.poses
        if instance.color == "transparent":
            assert instance.material in ("plastic", "glass")
        if instance.color == "gold":
            assert instance.material == "metal"


def test_file_names_tell_nothing(plan: tuple[Photograph, ...]) -> None:
    assert [p.image_path for p in plan] == [f"images/demo_{i:04d}.jpg" for i in range(1, 601)]
    runs = sum(a.instance.class_label == b.instance.class_label for a, b in zip(plan, plan[1:], strict=False))
    assert runs < 120  # 60 expected of shuffled classes, 590 of sorted ones


def test_weak_slice_is_always_and_alone_in_the_dark(plan: tuple[Photograph, ...]) -> None:
    weak = [p for p in plan if all(p.instance.attributes[k] == v for k, v in WEAK_SLICE.items())]
    assert weak
    assert {p.light for p in weak} == {"dark"}
    assert {p.image_path for p in plan if p.light == "dark"} == {p.image_path for p in weak}


def test_weak_slice_can_be_left_out() -> None:
    plan = make_plan(600, 5, weak_slice=False)
    assert "dark" not in {p.light for p in plan}
    assert any(all(p.instance.attributes[k] == v for k, v in WEAK_SLICE.items()) for p in plan)


def test_captions_name_colour_and_thing(plan: tuple[Photograph, ...]) -> None:
    by_label = {product.label: product for product in CLASSES}
    for photograph in plan:
        assert any(noun in photograph.caption for noun in by_label[photograph.instance.class_label].nouns)
        if photograph.instance.color not in ("transparent", "multicolor"):
            assert photograph.instance.color in photograph.caption


def test_few_images_are_refused() -> None:
    with pytest.raises(DataError, match="Too few images"):
        make_plan(100, 1)


def test_pretraining_images_are_all_for_training(tmp_path: Path) -> None:
    assert main(["plan", "--out", str(tmp_path), "--images", "130", "--seed", "7", "--train-only"]) == 0
    lines = (tmp_path / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 131
    assert all(",train," in line for line in lines[1:])


def test_many_instances_can_be_asked_for() -> None:
    plan = make_plan(1000, 1, per_instance=2)
    assert len(plan) == 1000
    assert 480 <= len({p.instance.instance_id for p in plan}) <= 520
