"""A tiny data set drawn by code: it lets the dashboard open and tests run where there are no photographs."""

from __future__ import annotations

import csv
import io
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

from core.files import atomic_write

SIDE = 96
OVERSAMPLING = 4
SHAPES = {"triangle": 3, "square": 4, "hexagon": 6, "circle": 60}
"""Regular polygons by their number of corners."""
COLORS = {"red": (205, 60, 55), "green": (70, 150, 80), "blue": (65, 105, 195), "yellow": (225, 185, 60)}
SIZES = ("small", "large")
VIEWS = 3
SPLITS = ("train", "train", "val", "test")
"""Where each shape's four objects go."""

COLUMNS = ("image_path", "class_label", "attributes", "caption", "split", "instance_id")
NOTE = """# Placeholder

48 drawings made by `python -m core placeholder`: 4 shapes, each as 4 objects seen 3 times, in 4 colours.
They stand in where there are no photographs; no result on them means anything.
"""


def draw_placeholder(folder: Path, *, seed: int = 13) -> Path:
    """Draw the placeholder data set into `folder` (48 JPEG files, labels.csv, vitrine.toml, README.md).

    The same `seed` gives the same labels and pictures. Returns `folder`. Raises OSError.
    """
    draw = random.Random(seed)
    rows = []
    for number, shape in enumerate(SHAPES):
        for item, split in enumerate(SPLITS):
            color = list(COLORS)[(item + number) % len(COLORS)]
            size = SIZES[(item + number) % 2]
            for view in range(VIEWS):
                path = f"images/{shape}_{item + 1}_{view + 1}.jpg"
                atomic_write(folder / path, _picture(draw, SHAPES[shape], COLORS[color], size))
                told = "unknown" if (item, view) == (0, 0) else size
                caption = f"a {size} {color} {shape}, view {view + 1}"
                attributes = f"color:{color};size:{told}"
                rows.append((path, shape, attributes, caption, split, f"{shape}_{item + 1}"))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    atomic_write(folder / "labels.csv", text.getvalue())
    atomic_write(folder / "vitrine.toml", 'name = "Placeholder drawings"\n')
    atomic_write(folder / "README.md", NOTE)
    return folder


def _picture(draw: random.Random, corners: int, color: tuple[int, int, int], size: str) -> bytes:
    """JPEG bytes of one shape: turned, shifted and lit at random, on a plain ground with specks."""
    side = SIDE * OVERSAMPLING
    ground = draw.randint(190, 240)
    canvas = Image.new("RGB", (side, side), (ground, ground, ground - draw.randint(0, 15)))
    pen = ImageDraw.Draw(canvas)
    for _ in range(30):
        x, y, grey = draw.randrange(side), draw.randrange(side), ground - draw.randint(10, 50)
        pen.ellipse((x, y, x + OVERSAMPLING, y + OVERSAMPLING), fill=(grey, grey, grey))
    radius = side * (0.18 if size == "small" else 0.32) * draw.uniform(0.9, 1.1)
    cx, cy = (side * (0.5 + draw.uniform(-0.1, 0.1)) for _ in range(2))
    turn = draw.uniform(0, 2 * math.pi)
    outline = [
        (cx + radius * math.cos(turn + angle), cy + radius * math.sin(turn + angle))
        for angle in (2 * math.pi * corner / corners for corner in range(corners))
    ]
    light = draw.uniform(0.8, 1.1)
    red, green, blue = (min(255, int(value * light)) for value in color)
    pen.polygon(outline, fill=(red, green, blue))
    buffer = io.BytesIO()
    canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
