"""Backpacks: a rounded body with a front pocket, zips, a top loop, side pockets and shoulder straps."""

from __future__ import annotations

import math

import numpy as np

from training.studio import artwork
from training.studio import geometry as g
from training.studio.geometry import Mesh
from training.studio.kit import Kit
from training.studio.materials import Decal
from training.studio.palette import linear, shade


def build(kit: Kit) -> None:
    rng = kit.rng
    width, depth, height = rng.uniform(2.7, 3.1), rng.uniform(1.3, 1.6), rng.uniform(3.9, 4.6)
    crown = rng.uniform(0.45, 0.75)
    flap = kit.style == "vintage" or (kit.style == "casual" and rng.random() < 0.3)
    kit.add(kit.battered(_sack(width, depth, height, crown), 0.22, 6), kit.skin(), smooth=180)
    second = kit.trim if kit.style == "sports" else shade(kit.tone, 0.75)
    _pocket(kit, width, depth, height, second)
    if flap:
        _flap(kit, width, depth, height)
    else:
        _zip_round(kit, width, depth, height, crown)
    _straps(kit, width, depth, height, second)
    _sides(kit, width, depth, height, second)
    kit.tag((width * 0.30, -depth * 0.52, height * 0.86), 3.0)


def _sack(width: float, depth: float, height: float, crown: float) -> Mesh:
    """Upright, round-shouldered."""
    rings = []
    for t in np.linspace(0, 1, 26):
        foot = min(1.0, (t / 0.07 + 0.02) ** 0.5) if t < 0.07 else 1.0
        top = max(0.0, (t - (1 - 0.5 * crown)) / (0.5 * crown))
        across = math.sqrt(max(1 - top**2.6, 0.0004))
        through = 1 - 0.62 * top**2.2
        ring = g.superellipse(
            width / 2 * across * (0.85 + 0.15 * foot),
            depth / 2 * through * (0.8 + 0.2 * foot) * (1.05 - 0.1 * t),
            3.6,
            56,
        )
        rings.append(g.lift(ring, t * height, 1.0, (0, 0.10 * depth * top)))
    return g.loft(rings)


def _pocket(kit: Kit, width: float, depth: float, height: float, second) -> None:  # type: ignore[no-untyped-def]
    rng = kit.rng
    w, h = width * rng.uniform(0.66, 0.78), height * rng.uniform(0.36, 0.46)
    z = height * 0.08
    ground, ink = kit.ink()
    decals: tuple[Decal, ...] = ()
    if kit.style != "minimalist":
        patch = None if kit.style == "sports" else rng.choice((None, (214, 190, 150), ground))
        decals = (
            Decal(
                artwork.emblem(rng, ink if patch != (214, 190, 150) else (60, 40, 24), patch),
                (0.42, 0.25, 0.58, 0.75),
                0.7,
            ),
        )
    own = kit.style != "sports" or kit.instance.color == "multicolor" or rng.random() < 0.6
    skin = (
        kit.skin(None, kit.tone if kit.instance.color != "multicolor" else None, decals=decals)
        if own
        else kit.skin(None, second, decals=decals)
    )
    body = g.pillow(w, depth * 0.52, h, z, 4.2, 0.28, 56)
    kit.add(g.moved(kit.battered(body, 0.12, 3), (0, -depth * 0.40, 0)), skin, smooth=180)
    arc = [
        (-w * 0.44, z + h * 0.45),
        (-w * 0.44, z + h * 0.80),
        (-w * 0.36, z + h * 0.885),
        (w * 0.36, z + h * 0.885),
        (w * 0.44, z + h * 0.80),
        (w * 0.44, z + h * 0.45),
    ]
    path = np.array([(x, -depth * 0.655, zz) for x, zz in g.spline(np.array(arc), 4)])
    path[:, 1] += 0.10 * (np.abs(path[:, 0]) / (w / 2)) ** 6 * depth
    kit.add(g.sweep(path, 0.12, 0.05, (0, -1, 0)), _zip_skin(kit))
    _pull(kit, (w * 0.30, -depth * 0.68, z + h * 0.88))


def _zip_skin(kit: Kit):  # type: ignore[no-untyped-def]
    dark = linear((0.09, 0.09, 0.10))
    return kit.skin("matte", dark if sum(kit.tone) > 0.06 else linear((0.55, 0.56, 0.58)))


def _pull(kit: Kit, at: tuple[float, float, float]) -> None:
    kit.add(
        g.moved(g.pillow(0.10, 0.05, 0.34), np.array(at) - (0, 0.02, 0.30)),
        kit.skin("chrome", linear((0.75, 0.75, 0.76))),
    )


def _zip_round(kit: Kit, width: float, depth: float, height: float, crown: float) -> None:
    """The main zip runs over the top, a little in front of the middle."""
    sack = _sack(width * 1.015, depth, height * 1.006, crown).vertices.reshape(26, 56, 3)
    column = 20
    left, right = sack[9:25, column], sack[9:25, 56 - column]
    path = g.spline(np.vstack([left, right[::-1]]), 2) * (1.0, 1.04, 1.0)
    kit.add(g.sweep(path, 0.13, 0.07, (0, -1, 0)), _zip_skin(kit))
    _pull(kit, tuple(path[len(path) // 5] + (0, -0.05, 0)))


def _flap(kit: Kit, width: float, depth: float, height: float) -> None:
    w = width * 0.90
    profile = g.spline(
        np.array(
            [
                (depth * 0.35, height * 0.98),
                (-depth * 0.05, height * 1.01),
                (-depth * 0.42, height * 0.93),
                (-depth * 0.60, height * 0.76),
                (-depth * 0.66, height * 0.52),
            ]
        ),
        6,
    )
    grid = np.array(
        [
            [
                (
                    x * w / 2 * (1 if i < len(profile) - 4 else 1 - 0.03 * (i - len(profile) + 4)),
                    y + 0.22 * depth * abs(x) ** 5,
                    z - 0.30 * abs(x) ** 6,
                )
                for x in np.linspace(-1, 1, 21)
            ]
            for i, (y, z) in enumerate(profile)
        ]
    )
    kit.add(g.sheet(grid), kit.skin(), thickness=0.10, smooth=180)
    leather = kit.skin(
        "leather",
        linear((0.45, 0.28, 0.15)) if kit.instance.material != "leather" else shade(kit.tone, 0.6),
    )
    for side in (-1, 1):
        band = np.array(
            [(side * w * 0.26, y - 0.09, z) for y, z in profile[8:]]
            + [(side * w * 0.26, -depth * 0.70, height * 0.34)]
        )
        kit.add(g.sweep(band, 0.30, 0.06, (0, -1, 0.2)), leather)
        kit.add(
            g.moved(g.pillow(0.42, 0.10, 0.28), (side * w * 0.26, -depth * 0.72, height * 0.42)),
            kit.skin("chrome", linear((0.80, 0.66, 0.38))),
        )


def _straps(kit: Kit, width: float, depth: float, height: float, second) -> None:  # type: ignore[no-untyped-def]
    skin = kit.skin(None, second)
    arc = np.array(
        [
            (0.42 * math.cos(a), depth * 0.22, height * 0.97 + 0.52 * math.sin(a))
            for a in np.linspace(0, math.pi, 16)
        ]
    )
    kit.add(g.sweep(arc, 0.22, 0.10, (0, 1, 0)), skin)
    for side in (-1, 1):
        x = side * width * 0.24
        path = g.spline(
            np.array(
                [
                    (x, depth * 0.40, height * 0.93),
                    (x * 1.3, depth * 0.62, height * 0.99),
                    (x * 1.9, depth * 0.88, height * 0.72),
                    (x * 2.2, depth * 0.86, height * 0.38),
                    (x * 1.95, depth * 0.5, height * 0.06),
                ]
            ),
            7,
        )
        kit.add(g.sweep(path, 0.48, 0.12, (0, 1, 0.3)), skin)


def _sides(kit: Kit, width: float, depth: float, height: float, second) -> None:  # type: ignore[no-untyped-def]
    skin = kit.skin(None, second)
    for side in (-1, 1):
        kit.add(
            g.moved(
                g.pillow(0.34, depth * 0.66, height * 0.30, height * 0.07, 3.5, 0.3),
                (side * width * 0.50, 0, 0),
            ),
            skin,
            smooth=180,
        )
