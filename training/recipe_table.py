"""The table of recipe fields in docs/training.md, made from the fields: `python -m training.recipe_table`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from core.files import atomic_write
from core.settings import HOME
from training.recipe import Fraction, Part, Recipe

DOCUMENT = HOME / "docs" / "training.md"
BEGIN, END = "<!-- recipe fields: begin (generated) -->", "<!-- recipe fields: end -->"


def table() -> str:
    """Markdown table of every field: name, range, default, meaning."""
    lines = ["| field | range | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *_rows(Recipe, "")])


def with_table(text: str) -> str:
    """`text` with the part between the two marks replaced by the table. Raises ValueError without them."""
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _rows(model: type[Part], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = _part(field.annotation)
        dotted = f"{prefix}{name}"
        if inner is None:
            yield f"| `{dotted}` | {_range(field)} | {_default(field)} | {field.description} |"
        else:
            repeated = get_origin(field.annotation) is tuple
            yield from _rows(inner, f"{dotted}[].".replace("[]", "[i]" if repeated else ""))


def _part(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    if get_origin(annotation) in {tuple, Union, types.UnionType}:
        return next((found for found in map(_part, get_args(annotation)) if found), None)
    return None


def _range(field: FieldInfo) -> str:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    if field.annotation is bool:
        return "`true`, `false`"
    low, high = _bound(field, "ge"), _bound(field, "le")
    if low is None and Fraction in get_args(field.annotation):
        return "two of 0 – 1"
    return "text" if low is None else f"{low} – {high}"


def _bound(field: FieldInfo, kind: str) -> Any:
    values: list[Any] = []
    for part in field.metadata:
        values += [
            getattr(inner, kind) for inner in (part, *getattr(part, "metadata", ())) if hasattr(inner, kind)
        ]
    return values[-1] if values else None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)  # type: ignore[call-arg]
    return "" if default in (None, "", ()) else f"`{default}`"


def main(path: Path = DOCUMENT) -> None:
    """Bring the table in docs/training.md up to date."""
    atomic_write(path, with_table(path.read_text()))


if __name__ == "__main__":
    main()
