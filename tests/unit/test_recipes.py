"""Recipes: the report's numbers, the bounds, and what a refusal says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from core.errors import RecipeError
from training.recipe import Recipe
from training.recipe_table import DOCUMENT, table, with_table
from training.recipes import load_recipe, parse_recipe, recipe_names


def test_two_phase_is_the_reports() -> None:
    recipe = load_recipe("two_phase")
    heads, everything = recipe.phases
    assert (heads.epochs, heads.backbone_lr, heads.head_lr) == (8, 0.0, 3e-4)
    assert (everything.epochs, everything.backbone_lr, everything.head_lr) == (20, 1e-5, 2e-4)
    assert (recipe.batch_size, recipe.optimizer.weight_decay, recipe.optimizer.schedule) == (
        32,
        0.01,
        "cosine",
    )
    assert (recipe.loss.primary_weight, recipe.loss.attribute_weight) == (1.0, 0.5)
    assert recipe.select_by == "weighted_f1"
    a = recipe.augmentation
    assert (a.crop_scale, a.flip, a.rotation) == ((0.8, 1.0), 0.5, 15.0)
    assert (a.brightness, a.contrast, a.saturation, a.hue) == (0.3, 0.3, 0.3, 0.1)
    assert (a.translate, a.erase, a.erase_scale, a.mixup) == (0.1, 0.1, (0.02, 0.33), 0.0)


def test_balanced_is_the_reports() -> None:
    recipe = load_recipe("balanced")
    assert [(p.backbone_lr, p.head_lr) for p in recipe.phases] == [(2e-4, 2e-4)]
    assert 20 <= recipe.epochs <= 30
    assert recipe.sampler == "balanced"


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads_under_its_own_name(name: str) -> None:
    assert load_recipe(name).name == name


def test_phase_at_counts_through_the_phases() -> None:
    recipe = load_recipe("two_phase")
    assert [recipe.phase_at(epoch) for epoch in (0, 7, 8, 27)] == [(0, 0), (0, 7), (1, 0), (1, 19)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("batch_size", 10**12),
        ("batch_size", "8; rm -rf ~"),
        ("name", "../../etc/passwd"),
        ("name", "$(reboot)"),
        ("name", "x" * 65),
        ("phases.0.epochs", -1),
        ("phases.0.head_lr", float("nan")),
        ("phases.1.backbone_lr", float("inf")),
        ("optimizer.schedule", "linear"),
        ("augmentation.crop_scale", [1.0, 0.5]),
        ("distillation", {"teacher": "imagenet"}),
        ("shell", "true"),
    ],
)
def test_a_refused_value_is_named(field: str, value: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("two_phase", {field: value})
    error = caught.value
    assert error.title and error.fix
    named = field.split(".")[-1]
    assert named in error.cause
    assert len(error.cause) < 600


def test_a_field_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"phases\.9\.epochs"):
        load_recipe("two_phase", {"phases.9.epochs": 1})


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    for name, text in (("a.yaml", "[1, 2]"), ("b.yaml", "{"), ("c.yaml", "x: " + "y" * 70_000)):
        (tmp_path / name).write_text(text)
        with pytest.raises(RecipeError):
            load_recipe(tmp_path / name)
    with pytest.raises(RecipeError, match="There is no recipe"):
        load_recipe("/etc/passwd")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@example_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(field=st.sampled_from(sorted(Recipe.model_fields)), value=json_values)
def test_any_value_is_accepted_or_refused_with_a_reason(field: str, value: Any) -> None:
    base = load_recipe("two_phase").model_dump(mode="json")
    try:
        parse_recipe({**base, field: value})
    except RecipeError as error:
        assert error.cause and error.fix


def test_the_table_in_the_docs_is_the_fields_own() -> None:
    text = DOCUMENT.read_text()
    assert text == with_table(text)
    for name, field in Recipe.model_fields.items():
        assert field.description, name
        assert f"`{name}" in table()
