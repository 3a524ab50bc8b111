"""Contact sheets: the pictures of a data set side by side, to be looked at."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError


def sheet(paths: Sequence[Path], columns: int, cell: int) -> Image.Image:
    """The pictures in rows of ``columns``, each ``cell`` pixels square; unreadable ones stay grey."""
    rows = -(-len(paths) // columns)
    page = Image.new("RGB", (columns * cell, rows * cell), (128, 128, 128))
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                tile = image.convert("RGB").resize((cell, cell), Image.Resampling.LANCZOS)
        except (OSError, UnidentifiedImageError):
            continue
        page.paste(tile, (i % columns * cell, i // columns * cell))
    return page


def planted(folder: Path, weak: int = 8) -> list[Path]:
    """The pictures to look at in ``planted.csv``: wrong labels, copies after their originals, weak ones."""
    with (folder / "planted.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    by_kind: dict[str, list[dict[str, str]]] = {}
    for line in lines:
        by_kind.setdefault(line["kind"], []).append(line)
    shown = [line["image_path"] for line in by_kind["wrong_label"]]
    shown += [line[key] for line in by_kind["near_duplicate"] for key in ("other_path", "image_path")]
    shown += [line["image_path"] for line in by_kind["weak_slice"][:weak]]
    return [folder / path for path in shown]
