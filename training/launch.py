"""From what a person chooses to a checked run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.errors import RecipeError
from core.settings import Settings
from training.recipes import load_recipe
from training.spec import RunSpec, parse_spec


def make_spec(
    settings: Settings,
    *,
    name: str,
    data: Path,
    backbone: str,
    recipe: str | Path,
    overrides: Mapping[str, Any] | None = None,
    **further: Any,
) -> RunSpec:
    """A run with the settings' folders. `overrides` are dotted recipe fields, `further` fields of RunSpec.

    Raises RecipeError that names the field.
    """
    return parse_spec(
        {
            "name": name,
            "data": str(data),
            "backbone": backbone,
            "recipe": load_recipe(recipe, overrides).model_dump(mode="json"),
            "checkpoints": str(settings.checkpoints[0]),
            "cache": str(settings.cache),
            **further,
        }
    )


def read_overrides(pairs: Iterable[str]) -> dict[str, Any]:
    """`["batch_size=16", "phases.0.epochs=2"]` as a mapping; values are YAML. Raises RecipeError."""
    found = {}
    for pair in pairs:
        field, equals, text = pair.partition("=")
        if not equals or not field:
            raise RecipeError(
                f"'{pair[:80]}' changes nothing", cause="It is not FIELD=VALUE.", fix="Write batch_size=16."
            )
        try:
            found[field] = yaml.safe_load(text[:4096])
        except yaml.YAMLError:
            raise RecipeError(f"The value of {field[:80]} is not YAML", fix="Quote it.") from None
    return found
