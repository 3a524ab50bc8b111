"""Handbags: totes, satchels with a flap, bowling bags and buckets, with handles, rings and clasps."""

from __future__ import annotations

import math

import numpy as np

from training.studio import artwork
from training.studio import geometry as g
from training.studio.geometry import Array, Mesh
from training.studio.kit import Kit
from training.studio.materials import Decal
from training.studio.palette import linear, shade

_BRASS, _STEEL = linear((0.84, 0.68, 0.38)), linear((0.78, 0.79, 0.80))


def build(kit: Kit) -> None:
    rng = kit.rng
    metal = kit.skin(
        "chrome",
        _BRASS if kit.style in ("vintage", "formal") or rng.random() < 0.4 else _STEEL,
        condition="new",
    )
    form = rng.choice(("tote", "satchel", "satchel", "bowling"))
    width, depth, height = {
        "tote": (rng.uniform(3.0, 3.5), 1.1, rng.uniform(2.3, 2.8)),
        "satchel": (rng.uniform(2.6, 3.1), 1.0, rng.uniform(1.7, 2.1)),
        "bowling": (rng.uniform(2.8, 3.2), 1.4, rng.uniform(1.7, 2.0)),
    }[form]
    flare = {"tote": rng.uniform(1.08, 1.25), "satchel": rng.uniform(0.90, 1.0), "bowling": 0.86}[form]
    body = _body(width, depth, height, flare, form)
    kit.add(kit.battered(body, 0.16, 5), kit.skin(decals=_logo(kit, form)), smooth=70)
    if form == "satchel":
        _flap(kit, width, depth, height, flare, metal)
    elif form == "bowling":
        _zip(kit, width, height)
    else:
        _rim(kit, width, depth, height, flare)
    _handles(kit, form, width, depth, height, flare, metal)
    _seams(kit, width, depth, height, flare, form)
    kit.tag((width * 0.30, -depth * 0.55, height * 0.95), 2.2)


def _span(flare: float, depth: float, form: str, t: float) -> tuple[float, float]:
    """Relative width and depth at the share t of the height."""
    wide = 1 + (flare - 1) * t
    thin = 1 - (0.62 if form != "bowling" else 0.35) * t**1.5
    return wide, thin


def _body(width: float, depth: float, height: float, flare: float, form: str) -> Mesh:
    rings = []
    exponent = 5.5 if form != "bowling" else 3.2
    for t in np.linspace(0, 1, 22):
        wide, thin = _span(flare, depth, form, t)
        foot = 1.0 if t > 0.06 else 0.93 + 0.07 * math.sqrt(t / 0.06)
        crown = 1.0 if form != "bowling" or t < 0.6 else math.sqrt(max(1 - ((t - 0.6) / 0.415) ** 2.4, 0.01))
        ring = g.superellipse(
            width / 2 * wide * foot * (0.35 + 0.65 * crown), depth / 2 * thin * foot * crown, exponent, 64
        )
        rings.append(g.lift(ring, t * height))
    return g.loft(rings)


def _logo(kit: Kit, form: str) -> tuple[Decal, ...]:
    if kit.style not in ("casual", "modern") or form == "satchel":
        return ()
    _, ink = kit.ink()
    return (Decal(artwork.emblem(kit.rng, ink), (0.45, 0.35, 0.55, 0.62), 0.6),)


def _front(
    width: float, depth: float, height: float, flare: float, form: str, x: float, t: float, out: float = 0.03
) -> Array:
    """A point (3,) just before the front, at the share t of the height."""
    wide, thin = _span(flare, depth, form, t)
    share = min(abs(x) / (width / 2 * wide), 0.999)
    exponent = 5.5 if form != "bowling" else 3.2
    return np.array([x, -depth / 2 * thin * (1 - share**exponent) ** (1 / exponent) - out, t * height])


def _flap(kit: Kit, width: float, depth: float, height: float, flare: float, metal) -> None:  # type: ignore[no-untyped-def]
    reach = kit.rng.uniform(0.40, 0.58)
    rounded = kit.rng.random() < 0.6
    grid = []
    for t in np.linspace(0, 1, 14):
        row = []
        for x in np.linspace(-1, 1, 23):
            edge = reach * (1 - 0.45 * abs(x) ** 3 if rounded else 1.0)
            at = _front(width, depth, height, flare, "satchel", x * width * 0.47 * flare, 1 - edge * t, 0.07)
            if t < 0.15:
                at = at * (1, 1 - (0.15 - t) * 6.5, 1) + (0, 0, 0.05)
            row.append(at)
        grid.append(row)
    kit.add(g.sheet(np.array(grid)), kit.skin(), thickness=0.07, smooth=180)
    lock = _front(width, depth, height, flare, "satchel", 0, 1 - reach, 0.10)
    kit.add(g.moved(g.pillow(0.34, 0.12, 0.36, edge=0.2), lock - (0, 0, 0.16)), metal)


def _zip(kit: Kit, width: float, height: float) -> None:
    path = np.array([(x * width * 0.30, 0, height * 1.0) for x in np.linspace(-1, 1, 8)])
    kit.add(g.sweep(path, 0.16, 0.06), kit.skin("matte", linear((0.1, 0.1, 0.1))))


def _rim(kit: Kit, width: float, depth: float, height: float, flare: float) -> None:
    wide, thin = _span(flare, depth, "tote", 1.0)
    ring = g.superellipse(width / 2 * wide * 1.005, depth / 2 * thin * 1.03, 5.5, 64)
    kit.add(
        g.sweep(g.lift(ring, height), 0.05, 0.16, closed=True),
        kit.skin(None, shade(kit.tone, 0.7)),
    )
    dark = kit.skin("matte", shade(kit.tone, 0.25))
    kit.add(g.loft([g.lift(ring, height * 0.985, 0.97), g.lift(ring, height * 1.003, 0.97)]), dark)


def _handles(kit: Kit, form: str, width: float, depth: float, height: float, flare: float, metal) -> None:  # type: ignore[no-untyped-def]
    rng = kit.rng
    strap = kit.skin(
        None if kit.instance.material != "fabric" else "leather",
        shade(kit.tone, 0.75) if kit.instance.color != "multicolor" else kit.trim,
    )
    rise = {
        "tote": rng.uniform(1.5, 2.0),
        "satchel": rng.uniform(0.8, 1.2),
        "bowling": rng.uniform(1.0, 1.4),
    }[form]
    spread = width * {"tote": 0.24, "satchel": 0.26, "bowling": 0.24}[form]
    sides = (-1, 1) if form != "satchel" else (0,)
    for side in sides:
        y0 = side * (depth * 0.22 if form == "tote" else depth * 0.40)
        foot = height * {"tote": 0.80, "satchel": 1.0, "bowling": 0.66}[form]
        lean = side * rng.uniform(0.0, 0.25)
        yfoot = (
            _front(width, depth, height, flare, form, spread, foot / height, 0.05)[1] * -side if side else 0.0
        )
        arc = [(-spread, yfoot, foot), (-spread, yfoot * 0.9, foot + 0.25 * rise)]
        arc += [
            (
                -spread * math.cos(a) * 0.92,
                y0 * 0.8 + lean * math.sin(a),
                height + rise * (0.25 + 0.75 * math.sin(a)),
            )
            for a in np.linspace(0.35, math.pi - 0.35, 7)
        ]
        arc += [(spread, yfoot * 0.9, foot + 0.25 * rise), (spread, yfoot, foot)]
        kit.add(g.sweep(g.spline(np.array(arc), 5), 0.18, 0.15, (0, 1, 0), exponent=2), strap, smooth=180)
        for x in (-spread, spread):
            kit.add(
                g.moved(
                    g.turned([(0.7, 0), (1, 0.02), (1, 0.05)], 0.14, 0.14),
                    (x, yfoot, foot),
                    g.rotation("x", 90 if side < 1 else -90),
                ),
                metal,
            )


def _seams(kit: Kit, width: float, depth: float, height: float, flare: float, form: str) -> None:
    if kit.style == "minimalist":
        return
    light = sum(kit.tone) / 3 > 0.3
    thread = kit.skin(
        "matte",
        shade(kit.tone, 0.45) if light else shade(kit.tone, 2.2, 0.05, 0.9),
        condition="new",
    )
    for side in (-1, 1):
        path = np.array(
            [
                _front(
                    width, depth, height, flare, form, side * width * 0.43 * (1 + (flare - 1) * t), t, 0.005
                )
                for t in np.linspace(0.06, 0.94 if form != "bowling" else 0.6, 16)
            ]
        )
        kit.add(g.sweep(path, 0.035, 0.02, (0, -1, 0)), thread)
    path = np.array(
        [
            _front(width, depth, height, flare, form, x * width * 0.42, 0.08, 0.01)
            for x in np.linspace(-1, 1, 16)
        ]
    )
    kit.add(g.sweep(path, 0.05, 0.02, (0, -1, 0)), thread)
