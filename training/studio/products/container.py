"""Food containers: boxes and tubs with a lid, a rim and clips; clear ones show what is inside."""

from __future__ import annotations

import math

from training.studio import geometry as g
from training.studio.kit import Kit
from training.studio.palette import linear, sample, shade


def build(kit: Kit) -> None:
    rng = kit.rng
    form = rng.choice(("box", "box", "square", "tub"))
    width, depth, height = {
        "box": (rng.uniform(1.7, 2.3), rng.uniform(1.1, 1.4), rng.uniform(0.6, 1.0)),
        "square": (1.5, 1.5, rng.uniform(0.7, 1.5)),
        "tub": (1.3, 1.3, rng.uniform(0.9, 1.7)),
    }[form]
    exponent = 2.0 if form == "tub" else rng.uniform(4.5, 7)
    taper = rng.uniform(0.84, 0.95)
    _body(kit, width, depth, height, exponent, taper)
    if kit.clear or kit.kind == "glass":
        _contents(kit, width, depth, height, exponent, taper)
    _lid(kit, width, depth, height, exponent, form)
    kit.tag((width * 0.3, -depth / 2 - 0.04, height * 0.98), 1.1)


def _body(kit: Kit, width: float, depth: float, height: float, exponent: float, taper: float) -> None:
    wall = 0.05
    outer = [
        (taper * 0.93, 0.0),
        (taper * 0.985, 0.02),
        (taper, 0.06),
        (1.0, height - 0.05),
        (1.03, height - 0.05),
        (1.03, height),
    ]
    inner = (
        [(1.0 - wall, height), (taper - wall, wall), (0.01, wall)] if kit.clear or kit.kind == "glass" else []
    )
    decals = (
        () if kit.style == "minimalist" else kit.label(("food", "fresh"), (0.43, 0.3, 0.57, 0.72), (256, 160))
    )
    mesh = g.turned(outer + inner, width / 2, depth / 2, exponent, 64)
    kit.add(kit.battered(mesh, 0.05, 4), kit.skin(decals=decals), smooth=50)


def _contents(kit: Kit, width: float, depth: float, height: float, exponent: float, taper: float) -> None:
    """Rice, berries, biscuits: rounded things in a heap, or a smooth filling."""
    rng = kit.rng
    if kit.clear and rng.random() < 0.35:
        return
    kind = rng.choice(("heap", "fill"))
    tone = sample(rng.choice(("red", "yellow", "green", "brown", "white")), rng) if kit.clear else kit.tone
    level = height * rng.uniform(0.35, 0.65)
    body = kit.skin("matte", tone, condition="new")
    kit.add(
        g.turned(
            [(taper * 0.88, 0.07), (taper * 0.92, level), (0.01, level * 1.04)],
            width / 2,
            depth / 2,
            exponent,
        ),
        body,
    )
    if kind == "heap":
        for _ in range(22):
            r = rng.uniform(0.10, 0.17)
            x, y = rng.uniform(-0.36, 0.36) * width, rng.uniform(-0.36, 0.36) * depth
            if exponent > 3 or math.hypot(x / width, y / depth) < 0.36:
                kit.add(g.ball(r, (x, y, level + rng.uniform(-0.02, 0.05)), 0.8), body)


def _lid(kit: Kit, width: float, depth: float, height: float, exponent: float, form: str) -> None:
    rng = kit.rng
    rx, ry = width / 2 * 1.06, depth / 2 * 1.06
    lip = rng.uniform(0.10, 0.16)
    profile = [
        (0.99, -lip),
        (1.0, -lip),
        (1.01, 0.02),
        (0.98, 0.06),
        (0.92, 0.06),
        (0.90, 0.03),
        (0.86, 0.03),
        (0.80, 0.08),
        (0.01, 0.085),
    ]
    tinted = rng.random() < 0.35
    if kit.clear:
        skin = kit.skin() if tinted else kit.skin("plastic", linear((0.86, 0.88, 0.90)))
    elif kit.instance.material == "glass":
        skin = kit.skin("plastic", kit.tone)
    else:
        skin = kit.skin("plastic", None if tinted else shade(kit.tone, 1.12, 0.02, 0.95))
    kit.add(g.turned([(r, height + z) for r, z in profile], rx, ry, exponent, 64), skin, smooth=50)
    if form == "tub" and rng.random() < 0.6:
        return
    grey = kit.skin("plastic", linear((0.75, 0.76, 0.78)) if kit.clear else kit.trim)
    for x, y, w, d in (
        (-rx, 0, 0.06, ry * 0.8),
        (rx, 0, 0.06, ry * 0.8),
        (0, -ry, rx * 0.6, 0.06),
        (0, ry, rx * 0.6, 0.06),
    ):
        kit.add(g.moved(g.pillow(w, d, 0.30), (x * 1.01, y * 1.01, height - 0.22)), grey)
