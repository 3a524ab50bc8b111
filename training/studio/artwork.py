"""Drawn artwork: labels, logos, patches, watch dials. Brand names are made up."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFont

RGB8 = tuple[int, int, int]
_CLEAR = (0, 0, 0, 0)
_SYLLABLES = (
    "al",
    "bo",
    "ce",
    "dra",
    "el",
    "fi",
    "ga",
    "lu",
    "mi",
    "no",
    "or",
    "pi",
    "ra",
    "so",
    "ta",
    "ve",
    "zu",
)


def brand(rng: random.Random) -> str:
    """A made-up name of two or three syllables."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).capitalize()


def bytes_of(rgb: tuple[float, float, float]) -> RGB8:
    """sRGB 0..1 to 0..255."""
    r, g, b = (round(255 * min(max(c, 0.0), 1.0)) for c in rgb)
    return r, g, b


def fitted(
    draw: ImageDraw.ImageDraw,
    text: str,
    centre: tuple[float, float],
    width: float,
    colour: RGB8,
    tallest: float = 1e9,
) -> None:
    """Text centred at a point, as large as the width and height allow."""
    size = 10.0
    measured = draw.textlength(text, font=ImageFont.load_default(size))
    size = min(size * width / max(measured, 1.0), tallest)
    draw.text(centre, text, fill=colour, font=ImageFont.load_default(max(size, 6)), anchor="mm")


def label(
    rng: random.Random,
    style: str,
    ground: RGB8,
    ink: RGB8,
    words: tuple[str, ...],
    size: tuple[int, int] = (256, 320),
) -> Image.Image:
    """A product label: brand, what it is, and ornaments that follow the style."""
    width, height = size
    picture = Image.new("RGBA", size, _CLEAR)
    draw = ImageDraw.Draw(picture)
    name = brand(rng)
    if style == "minimalist":
        fitted(draw, name, (width / 2, height * 0.3), width * 0.55, ink, height * 0.2)
        draw.line(
            (width * 0.3, height * 0.44, width * 0.7, height * 0.44), fill=ink, width=max(2, width // 80)
        )
        return picture
    if style == "vintage":
        draw.rounded_rectangle((0, 0, width - 1, height - 1), width // 7, fill=(238, 226, 196, 255))
        draw.rounded_rectangle((8, 8, width - 9, height - 9), width // 8, outline=(92, 58, 30), width=5)
        draw.ellipse((width * 0.32, height * 0.56, width * 0.68, height * 0.56 + width * 0.36), fill=ground)
        fitted(draw, name.upper(), (width / 2, height * 0.22), width * 0.75, (70, 42, 20), height * 0.2)
        fitted(draw, words[0], (width / 2, height * 0.42), width * 0.6, (70, 42, 20), height * 0.12)
        return picture
    if style == "sports":
        for i in range(3):
            x = width * (0.05 + 0.2 * i)
            draw.polygon(
                [(x, height), (x + width * 0.1, height), (x + width * 0.55, 0), (x + width * 0.45, 0)],
                fill=ink,
            )
        fitted(draw, name.upper(), (width / 2, height * 0.32), width * 0.92, ink, height * 0.3)
        return picture
    draw.rectangle((0, 0, width, height), fill=(*ground, 255))
    kind = rng.randrange(3)
    if kind == 0:
        draw.rectangle((0, height * 0.6, width, height), fill=ink)
    elif kind == 1:
        draw.ellipse((width * 0.2, height * 0.55, width * 0.8, height * 0.55 + width * 0.6), fill=ink)
    else:
        draw.polygon([(0, height), (0, height * 0.7), (width, height * 0.5), (width, height)], fill=ink)
    fitted(draw, name, (width / 2, height * 0.2), width * 0.8, ink, height * 0.2)
    fitted(draw, words[0], (width / 2, height * 0.38), width * 0.75, ink, height * 0.1)
    if len(words) > 1:
        fitted(draw, words[1], (width / 2, height * 0.47), width * 0.5, ink, height * 0.08)
    return picture


def emblem(rng: random.Random, ink: RGB8, ground: RGB8 | None = None, size: int = 192) -> Image.Image:
    """A logo: a letter or simple mark, with or without a patch behind it."""
    picture = Image.new("RGBA", (size, size), _CLEAR)
    draw = ImageDraw.Draw(picture)
    if ground is not None:
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((4, 4, size - 5, size - 5), fill=ground, outline=ink, width=size // 20)
    kind, middle, r = rng.randrange(4), size / 2, size * 0.3
    if kind == 0:
        fitted(draw, brand(rng)[0], (middle, middle), size * 0.5, ink, size * 0.75)
    elif kind == 1:
        fitted(draw, brand(rng).upper(), (middle, middle), size * 0.8, ink)
    elif kind == 2:
        draw.polygon([(middle, middle - r), (middle + r, middle + r), (middle - r, middle + r)], fill=ink)
    else:
        points = [
            (
                middle + r * (1 if i % 2 == 0 else 0.42) * math.sin(i * math.pi / 5),
                middle - r * (1 if i % 2 == 0 else 0.42) * math.cos(i * math.pi / 5),
            )
            for i in range(10)
        ]
        draw.polygon(points, fill=ink)
    return picture


def dial(rng: random.Random, style: str, ground: RGB8, ink: RGB8, size: int = 384) -> Image.Image:
    """A watch dial with its hands: numerals, ticks, and small dials on a sports watch."""
    picture = Image.new("RGBA", (size, size), (*ground, 255))
    draw = ImageDraw.Draw(picture)
    middle, outer = size / 2, size * 0.47

    def at(hours: float, r: float) -> tuple[float, float]:
        return middle + r * math.sin(hours * math.pi / 6), middle - r * math.cos(hours * math.pi / 6)

    for minute in range(60):
        long = minute % 5 == 0
        if long or style != "minimalist":
            inner = outer * (0.84 if long else 0.93)
            draw.line(
                (*at(minute / 5, inner), *at(minute / 5, outer)),
                fill=ink,
                width=size // (36 if long else 110),
            )
    if style in ("vintage", "casual", "sports"):
        font = ImageFont.load_default(size * 0.11)
        for hour in (12, 3, 6, 9) if style == "sports" else range(1, 13):
            draw.text(at(hour, outer * 0.68), str(hour), fill=ink, font=font, anchor="mm")
    if style == "sports":
        for hour in (3, 6, 9):
            x, y = at(hour, outer * 0.42)
            r = size * 0.095
            draw.ellipse((x - r, y - r, x + r, y + r), outline=ink, width=size // 90)
            draw.line((x, y, x + r * 0.6, y - r * 0.5), fill=ink, width=size // 90)
    fitted(draw, brand(rng).upper(), (middle, middle - outer * 0.36), size * 0.26, ink)
    now = rng.uniform(0, 12)
    draw.line((middle, middle, *at(now, outer * 0.52)), fill=ink, width=size // 24)
    draw.line((middle, middle, *at(now * 12 % 12, outer * 0.8)), fill=ink, width=size // 34)
    draw.line((middle, middle, *at(rng.uniform(0, 12), outer * 0.85)), fill=(190, 40, 30), width=size // 110)
    draw.ellipse((middle - size / 36, middle - size / 36, middle + size / 36, middle + size / 36), fill=ink)
    return picture


def price_tag(rng: random.Random, size: tuple[int, int] = (120, 200)) -> Image.Image:
    """A white hang tag with a bar code and a price."""
    width, height = size
    picture = Image.new("RGBA", size, (247, 246, 240, 255))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width / 2 - 9, 10, width / 2 + 9, 28), fill=(60, 60, 60, 255))
    fitted(
        draw,
        f"{rng.randrange(4, 90)}.{rng.choice((50, 90, 95, 99))}",
        (width / 2, height * 0.35),
        width * 0.75,
        (200, 30, 30),
    )
    x: float = width * 0.14
    while x < width * 0.86:
        bar = rng.choice((2, 3, 5))
        draw.rectangle((x, height * 0.52, x + bar, height * 0.86), fill=(20, 20, 20, 255))
        x += bar + rng.choice((2, 3, 5))
    return picture


def pattern(rng: random.Random, colours: list[RGB8], size: int = 256) -> Image.Image:
    """A pattern of several colours: stripes, blocks, zigzags or splashes."""
    picture = Image.new("RGBA", (size, size), (*colours[0], 255))
    draw = ImageDraw.Draw(picture)
    kind, parts = rng.randrange(4), 8
    step = size / parts
    if kind == 0:
        for i in range(parts):
            draw.rectangle((0, i * step, size, (i + 1) * step), fill=colours[i % len(colours)])
    elif kind == 1:
        for i in range(parts):
            for j in range(parts):
                draw.rectangle((i * step, j * step, (i + 1) * step, (j + 1) * step), fill=rng.choice(colours))
    elif kind == 2:
        for i in range(-1, parts + 1):
            line = [(x * step, (i + 0.5 + (x % 2) * 0.8) * step) for x in range(parts + 1)]
            draw.line(line, fill=colours[i % len(colours)], width=int(step * 0.9))
    else:
        for _ in range(60):
            x, y, r = rng.uniform(0, size), rng.uniform(0, size), rng.uniform(size * 0.04, size * 0.14)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.choice(colours))
    return picture


def pressed_name(rng: random.Random, ink: RGB8, size: tuple[int, int] = (320, 160)) -> Image.Image:
    """A name in an oval line, as pressed into soap."""
    picture = Image.new("RGBA", size, _CLEAR)
    draw = ImageDraw.Draw(picture)
    width, height = size
    if rng.random() < 0.7:
        draw.rounded_rectangle(
            (6, 6, width - 7, height - 7), height // 2 if rng.random() < 0.5 else 20, outline=ink, width=6
        )
    fitted(
        draw,
        brand(rng).upper() if rng.random() < 0.5 else brand(rng),
        (width / 2, height / 2),
        width * 0.7,
        ink,
        height * 0.6,
    )
    return picture
