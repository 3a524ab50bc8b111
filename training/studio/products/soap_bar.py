"""Soap bars: rounded bars and ovals with a pressed name, thinner and cracked once used; some on a dish."""

from __future__ import annotations

import math

import numpy as np

from training.studio import artwork
from training.studio import geometry as g
from training.studio.geometry import Mesh
from training.studio.kit import Kit
from training.studio.materials import Decal
from training.studio.palette import linear
from training.studio.wear import LEVELS, Wear

_THICKNESS = {"mint": 1.0, "new": 1.0, "used": 0.78, "worn": 0.58}

_WEAR = {
    "mint": LEVELS["mint"],
    "new": LEVELS["new"],
    "used": Wear(0.35, 0.2, 0.2, 0.5),
    "worn": Wear(1.0, 0.7, 0.8, 1.0),
}


def build(kit: Kit) -> None:
    rng = kit.rng
    form = rng.choice(("bar", "bar", "oval", "brick"))
    width, depth = rng.uniform(0.85, 1.0), rng.uniform(0.52, 0.62)
    height = rng.uniform(0.27, 0.34) * _THICKNESS[kit.instance.condition]
    exponent = {"bar": 3.4, "oval": 2.1, "brick": 6.5}[form]
    edge = {"bar": 0.45, "oval": 0.5, "brick": 0.18}[form]
    base = 0.0
    if rng.random() < 0.35:
        base = _dish(kit, width, depth)
    bar = _bar(width, depth, height, base, exponent, edge)
    kit.add(
        kit.battered(bar, 0.05, 6),
        kit.skin(decals=_pressed(kit), wear=_WEAR[kit.instance.condition]),
        smooth=60,
    )
    if kit.instance.condition in ("used", "worn"):
        _suds(kit, width, depth, base + height)
    kit.tag((width * 0.36, -depth * 0.44, base + height * 0.9), 0.75)
    if kit.instance.condition == "mint":
        _band(kit, width, depth, height, base)


def _bar(width: float, depth: float, height: float, z: float, exponent: float, edge: float) -> Mesh:
    """A pillow whose top is a grid of rings down to the middle, with texture space seen from above."""
    mesh = g.pillow(width, depth, height, z, exponent, edge, 64)
    flat = mesh.vertices / (width, depth, 1.0) + (0.5, 0.5, 0.0)
    uvs = tuple((float(flat[v, 0]), float(flat[v, 1])) for face in mesh.faces for v in face)
    return Mesh(mesh.vertices, mesh.faces, uvs)


def _pressed(kit: Kit) -> tuple[Decal, ...]:
    """The pressed name reads as a darker tone of the soap itself; it wears away."""
    if kit.instance.condition == "worn":
        return ()
    depth = 0.62 if kit.instance.condition != "used" else 0.80
    ink = tuple(round(255 * (max(c, 0.02) * depth) ** (1 / 2.2)) for c in kit.tone)
    if sum(kit.tone) < 0.2:
        ink = (96, 96, 100)
    picture = artwork.pressed_name(kit.rng, ink)  # type: ignore[arg-type]
    return (Decal(picture, (0.16, 0.2, 0.84, 0.8), 0.5),)


def _suds(kit: Kit, width: float, depth: float, top: float) -> None:
    foam = kit.skin("plastic", (0.9, 0.92, 0.93), condition="new")
    for _ in range(26):
        a, r = kit.rng.uniform(0, 6.28), kit.rng.uniform(0.2, 0.8)
        kit.add(
            g.ball(
                kit.rng.uniform(0.008, 0.024),
                (math.sin(a) * r * width * 0.42, math.cos(a) * r * depth * 0.42, top),
            ),
            foam,
        )


def _dish(kit: Kit, width: float, depth: float) -> float:
    ring = [(0.7, 0.0), (0.95, 0.05), (1.0, 0.14), (0.95, 0.14), (0.9, 0.07), (0.01, 0.06)]
    tone = kit.rng.choice((linear((0.93, 0.93, 0.9)), linear((0.5, 0.36, 0.24)), linear((0.6, 0.66, 0.68))))
    kit.add(
        g.turned(ring, width * 0.66, depth * 0.74, 3.0), kit.skin("plastic", tone, condition="new"), smooth=40
    )
    return 0.07


def _band(kit: Kit, width: float, depth: float, height: float, base: float) -> None:
    """The paper band of an unopened bar."""
    ring = g.superellipse(depth / 2 * 1.02, height / 2 * 1.04, 3.2)
    rings = [
        np.column_stack([np.full(len(ring), x), ring[:, 0], ring[:, 1] + base + height / 2])
        for x in (-0.12, 0.12)
    ]
    kit.add(
        g.moved(g.loft(rings, False, False), (-width * 0.16, 0, 0)),
        kit.skin("paper", linear((0.93, 0.91, 0.84))),
    )
