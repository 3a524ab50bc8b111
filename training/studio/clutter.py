"""Plain things that happen to lie about: books, mugs, pens, boxes, coins; none is in the catalogue."""

from __future__ import annotations

import math
import random

import numpy as np

from training.studio import geometry as g
from training.studio.geometry import Array
from training.studio.materials import surface
from training.studio.palette import RGB, linear, sample
from training.studio.scene import group, place

_DULL = ("gray", "brown", "white", "black", "blue", "green", "red")


def scatter(count: int, points: Array, rng: random.Random) -> None:
    """Put ``count`` things behind and beside a product with vertices points (N, 3) on z = 0."""
    reach = float(np.hypot(points[:, 0], points[:, 1]).max())
    for i in range(count):
        root = group("clutter")
        things = rng.choice((_book, _mug, _pen, _carton, _coin, _plant))
        size = things(root, rng)
        away = reach + size * rng.uniform(0.75, 1.1)
        angle = rng.choice((-1, 1)) * rng.uniform(65, 160) if i else rng.uniform(100, 260)
        root.location = (math.sin(math.radians(angle)) * away, -math.cos(math.radians(angle)) * away, 0)
        root.rotation_euler = (0, 0, rng.uniform(0, 6.28))


def _tone(rng: random.Random) -> RGB:
    r, g_, b = sample(rng.choice(_DULL), rng)
    return r * 0.6 + 0.1, g_ * 0.6 + 0.1, b * 0.6 + 0.1


def _book(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    height = 0.0
    for _ in range(rng.choice((1, 1, 2, 3))):
        width, depth, thick = rng.uniform(1.1, 1.5), rng.uniform(1.7, 2.1), rng.uniform(0.12, 0.35)
        place(g.box(width, depth, thick, height), surface("paper", _tone(rng), rng), root)
        place(
            g.box(width - 0.05, depth + 0.01, thick - 0.05, height + 0.025),
            surface("paper", linear((0.9, 0.88, 0.8)), rng),
            root,
        )
        height += thick
    return 1.2


def _mug(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    paint = surface("plastic", _tone(rng), rng)
    place(
        g.turned(
            [(0.01, 0.02), (0.9, 0), (1, 0.1), (1, 0.95), (0.93, 0.95), (0.92, 0.15), (0.01, 0.12)],
            0.42,
            0.42,
        ),
        paint,
        root,
    )
    arc = np.array(
        [(0.4 + 0.26 * math.sin(a), 0, 0.5 - 0.28 * math.cos(a)) for a in np.linspace(0, math.pi, 14)]
    )
    place(g.sweep(arc, 0.1, 0.08, (0, 1, 0)), paint, root)
    return 0.6


def _pen(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    rod = g.turned([(0.1, 0), (0.8, 0.12), (1, 0.2), (1, 1.4), (0.6, 1.42)], 0.05, 0.05, segments=12)
    place(g.moved(rod, (0, 0, 0.05), g.rotation("x", 90)), surface("plastic", _tone(rng), rng), root)
    return 0.5


def _carton(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    side = rng.uniform(0.6, 1.8)
    place(
        g.box(side, side * rng.uniform(0.5, 1), side * rng.uniform(0.4, 1.1)),
        surface("paper", _tone(rng), rng),
        root,
    )
    return side * 0.8


def _coin(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    metal = surface("metal", sample(rng.choice(("gold", "silver")), rng), rng)
    for _ in range(rng.choice((1, 2, 3))):
        disc = g.turned([(0.97, 0), (1, 0.004), (1, 0.018), (0.97, 0.02)], 0.12, 0.12, segments=24)
        place(
            g.moved(disc, (rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), rng.uniform(0, 0.004))),
            metal,
            root,
        )
    return 0.4


def _plant(root, rng: random.Random) -> float:  # type: ignore[no-untyped-def]
    place(
        g.turned([(0.7, 0), (1, 0.8), (0.92, 0.8), (0.85, 0.7), (0.01, 0.7)], 0.45, 0.45),
        surface("matte", _tone(rng), rng),
        root,
    )
    leaf = surface("matte", sample("green", rng), rng)
    for _ in range(9):
        turn, lean, length = rng.uniform(0, 6.28), rng.uniform(0.2, 1.0), rng.uniform(0.7, 1.3)
        path = np.array(
            [
                (lean * t * t * math.cos(turn), lean * t * t * math.sin(turn), 0.7 + length * t)
                for t in np.linspace(0, 1, 6)
            ]
        )
        place(g.sweep(path, 0.14, 0.01, (math.cos(turn), math.sin(turn), 0.3), exponent=2), leaf, root)
    return 0.7
