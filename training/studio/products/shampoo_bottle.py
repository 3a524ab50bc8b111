"""Shampoo bottles: oval bodies with a label; flip caps, pumps or disc tops."""

from __future__ import annotations

import numpy as np

from training.studio import geometry as g
from training.studio.kit import Kit
from training.studio.palette import linear, sample, shade

_WORDS = ("SHAMPOO", "250 ml")


def build(kit: Kit) -> None:
    rng = kit.rng
    rx, ry = rng.uniform(0.36, 0.44), rng.uniform(0.20, 0.30)
    height = rng.uniform(1.45, 1.95)
    exponent = rng.uniform(2.0, 3.4)
    if kit.instance.material in ("glass", "metal"):
        rx = ry = rng.uniform(0.30, 0.34)
        exponent = 2.0
    waist = rng.choice((1.0, 1.0, 0.90, 1.06))
    neck = 0.16 / rx
    shoulder = rng.uniform(0.80, 0.90)
    profile = [(0.86, 0.0), (0.96, 0.03)] + g.smoothed(
        [
            (1.0, 0.10),
            (waist, height * 0.45),
            (1.0, height * shoulder * 0.88),
            (0.86, height * shoulder),
            (0.55, height * (shoulder + 0.06)),
            (neck, height * (shoulder + 0.09)),
        ]
    )
    top = height * (shoulder + 0.09)
    decals = kit.label(_WORDS, (0.34, 0.14, 0.66, 0.80), (256, 360))
    if kit.clear or kit.kind == "glass":
        _liquid(kit, profile, rx, ry, exponent, top)
    kit.add(
        kit.battered(g.turned([(0.01, 0), *profile, (neck, top + 0.08)], rx, ry, exponent), 0.06, 4),
        kit.skin(decals=decals),
        smooth=50,
    )
    (_pump if rng.random() < 0.5 else _flip)(kit, top)
    kit.tag((0.12, -0.16, top), 1.05)


def _liquid(
    kit: Kit, profile: list[tuple[float, float]], rx: float, ry: float, exponent: float, top: float
) -> None:
    tone = (
        kit.tone if not kit.clear else sample(kit.rng.choice(("yellow", "blue", "green", "white")), kit.rng)
    )
    pale = shade(tone, 0.35, 0.45) if kit.clear else tone
    level = top * kit.rng.uniform(0.3, 0.75)
    inside = [(r * 0.92, z + 0.03) for r, z in profile if z < level]
    kit.add(
        g.turned([(0.01, 0.03), *inside, (0.01, inside[-1][1])], rx, ry, exponent),
        kit.skin("clear", pale, condition="new"),
    )


def _cap_skin(kit: Kit):  # type: ignore[no-untyped-def]
    pale = kit.rng.random() < 0.5 or kit.clear
    return kit.skin("plastic", linear((0.92, 0.92, 0.90)) if pale else kit.trim)


def _pump(kit: Kit, z: float) -> None:
    skin = _cap_skin(kit)
    kit.add(
        g.turned(
            [(0.98, z), (1, z + 0.02), (1, z + 0.20), (0.9, z + 0.24), (0.4, z + 0.25)],
            0.19,
            0.19,
            segments=32,
        ),
        skin,
        smooth=30,
    )
    kit.add(g.turned([(1, z + 0.2), (1, z + 0.5)], 0.06, 0.06, segments=16), skin)
    head = z + 0.50
    kit.add(g.pillow(0.30, 0.24, 0.10, head, exponent=2.5), skin)
    aim = kit.rng.choice((-1, 1))
    spout = np.array(
        [
            (aim * 0.08, 0, head + 0.06),
            (aim * 0.34, -0.03, head + 0.06),
            (aim * 0.46, -0.04, head + 0.02),
            (aim * 0.49, -0.05, head - 0.05),
        ]
    )
    kit.add(g.sweep(g.spline(spout, 4), 0.09, 0.08, (0, 1, 0)), skin)


def _flip(kit: Kit, z: float) -> None:
    skin = _cap_skin(kit)
    height = kit.rng.uniform(0.26, 0.40)
    wide = kit.rng.uniform(0.20, 0.27)
    kit.add(
        g.turned([(0.98, z), (1, z + 0.02), (1, z + height * 0.55)], wide, wide, segments=32), skin, smooth=30
    )
    lid = [(1.0, z + height * 0.58), (1.0, z + height * 0.85), (0.92, z + height), (0.01, z + height * 1.04)]
    kit.add(g.turned(lid, wide, wide, segments=32), skin, smooth=30)
    kit.add(g.moved(g.pillow(0.16, 0.05, 0.05), (0, -wide, z + height * 0.55)), skin)
