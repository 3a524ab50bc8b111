"""The recipes that come with Vitrine, one YAML file each, and how a recipe is read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.errors import RecipeError
from training.recipe import Recipe

FOLDER = Path(__file__).parent
MAX_BYTES = 64 * 1024


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with Vitrine."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe called `name`, or the one in the YAML file at that path, with dotted fields replaced.

    `overrides` maps dotted fields to values: `{"batch_size": 16, "phases.0.epochs": 2}`.
    Raises RecipeError that names the field, the value and what is allowed.
    """
    path = FOLDER / f"{name}.yaml" if str(name) in recipe_names() else Path(name)
    if path.suffix not in {".yaml", ".yml"} or not path.is_file():
        raise RecipeError(
            f"There is no recipe '{_short(name)}'",
            cause=f"The recipes are: {', '.join(recipe_names())}.",
            fix="Choose one of them, or give the path of a .yaml file.",
        )
    return parse_recipe(_read_yaml(path), overrides)


def parse_recipe(value: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Check a recipe given as a mapping. Raises RecipeError."""
    merged = override(value, overrides or {})
    try:
        return Recipe.model_validate(merged)
    except ValidationError as error:
        name = _short(merged.get("name", ""))
        raise recipe_error(f"The recipe '{name}' is not acceptable", error) from None


def override(value: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of `value` with dotted fields replaced. Raises RecipeError where the way does not exist."""
    result: dict[str, Any] = _deep_copy(value)
    for dotted, new in overrides.items():
        *way, last = str(dotted).split(".")
        place: Any = result
        for key in way:
            place = _step(place, key, dotted)
        if isinstance(place, list):
            _step(place, last, dotted)
            place[int(last)] = new
        elif isinstance(place, dict):
            place[last] = new
        else:
            raise _no_such_field(dotted)
    return result


def recipe_error(title: str, error: ValidationError) -> RecipeError:
    """A RecipeError that names every refused field, its value and what would be accepted."""
    details = error.errors(include_url=False)
    return RecipeError(title, cause=" ".join(map(_sentence, details)), fix=_fix(details))


def _sentence(detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "recipe"
    silent = detail["type"] in {"missing", "value_error"}
    shown = "" if silent else f" (given: {_short(repr(detail['input']))})"
    return f"{field}: {detail['msg'].removeprefix('Value error, ')}{shown}."


def _fix(details: Iterable[ErrorDetails]) -> str:
    named = (".".join(str(part) for part in detail["loc"]) or "the fields named" for detail in details)
    fields = sorted(set(named))
    return f"Correct {', '.join(fields[:6])}; docs/training.md lists every field with its unit and range."


def _read_yaml(path: Path) -> dict[str, Any]:
    text = path.read_bytes()[: MAX_BYTES + 1]
    try:
        value = yaml.safe_load(text) if len(text) <= MAX_BYTES else None
    except yaml.YAMLError as error:
        raise RecipeError(f"{path.name} is not YAML", cause=_short(error), fix="Mend the file.") from None
    if not isinstance(value, dict):
        raise RecipeError(
            f"{path.name} is not a recipe",
            cause=f"It must be a mapping of fields, of at most {MAX_BYTES // 1024} KiB.",
            fix=f"Start from a recipe in training/recipes, such as {recipe_names()[0]}.yaml.",
        )
    return value


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _deep_copy(part) for key, part in value.items()}
    return [_deep_copy(part) for part in value] if isinstance(value, list | tuple) else value


def _step(place: Any, key: str, dotted: str) -> Any:
    if isinstance(place, dict):
        return place.setdefault(key, {})
    if isinstance(place, list) and key.isdigit() and int(key) < len(place):
        return place[int(key)]
    raise _no_such_field(dotted)


def _no_such_field(dotted: str) -> RecipeError:
    return RecipeError(
        f"There is no field '{_short(dotted)}'",
        cause="The name does not lead to a field of the recipe.",
        fix="docs/training.md lists the fields.",
    )


def _short(value: object, limit: int = 120) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[:limit]}…"
