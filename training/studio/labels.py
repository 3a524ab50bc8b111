"""The data set's table: ``labels.csv`` with one row per image."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from core.files import atomic_write
from training.studio.plan import Photograph


@dataclass(frozen=True)
class Row:
    """One line of ``labels.csv``; ``attributes`` is "task:label;task:label"."""

    image_path: str
    class_label: str
    attributes: str
    caption: str
    split: str
    instance_id: str

    def value(self, task: str) -> str:
        """The label of a task, ``class`` included. Raises KeyError for a task that the row lacks."""
        return (
            self.class_label
            if task == "class"
            else dict(p.split(":", 1) for p in self.attributes.split(";"))[task]
        )


def rows(photographs: Iterable[Photograph]) -> list[Row]:
    """The true rows of a plan."""
    return [
        Row(
            p.image_path,
            p.instance.class_label,
            joined(p.instance.attributes),
            p.caption,
            p.instance.split,
            p.instance.instance_id,
        )
        for p in photographs
    ]


def joined(attributes: dict[str, str]) -> str:
    """Attributes in the table's form."""
    return ";".join(f"{task}:{label}" for task, label in attributes.items())


def write(path: Path, table: Iterable[Row]) -> None:
    """Write the table, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in table)
    atomic_write(path, text.getvalue())
