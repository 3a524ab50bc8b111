"""Water bottles: steel flasks, clear sports bottles, glass bottles; loops, straws and sport caps."""

from __future__ import annotations

import math

import numpy as np

from training.studio import geometry as g
from training.studio.kit import Kit
from training.studio.palette import linear, sample, shade


def build(kit: Kit) -> None:
    rng = kit.rng
    radius, height = rng.uniform(0.33, 0.40), rng.uniform(1.85, 2.35)
    form = rng.choice(("flask", "waist", "shoulder"))
    profile = _profile(form, height)
    if kit.clear or kit.kind == "glass":
        _water(kit, profile, radius)
    rect = (0.36, 0.18, 0.64, 0.58)
    decals = () if kit.style == "minimalist" else kit.label(("HYDRO", "750 ml"), rect, (200, 260))
    body = kit.battered(g.turned([(0.01, 0.0), *profile], radius, radius), 0.05, 5)
    kit.add(body, kit.skin(decals=decals), smooth=50)
    if kit.style == "sports" and rng.random() < 0.6:
        _rings(kit, profile, radius)
    neck, top = profile[-1][0] * radius, profile[-1][1]
    rng.choice((_loop_cap, _sport_cap, _straw_cap))(kit, neck, top)
    kit.tag((neck * 0.8, -neck * 1.05, top), 1.15)


def _profile(form: str, height: float) -> list[tuple[float, float]]:
    foot = [(0.90, 0.0), (0.98, 0.03)]
    if form == "flask":
        body = [
            (1.0, 0.10),
            (1.0, height * 0.4),
            (1.0, height * 0.78),
            (0.93, height * 0.85),
            (0.72, height * 0.91),
            (0.66, height * 0.94),
        ]
    elif form == "waist":
        body = [
            (1.0, 0.10),
            (1.0, height * 0.30),
            (0.82, height * 0.50),
            (0.95, height * 0.70),
            (0.98, height * 0.82),
            (0.78, height * 0.91),
            (0.70, height * 0.94),
        ]
    else:
        body = [
            (1.0, 0.10),
            (1.0, height * 0.62),
            (0.90, height * 0.72),
            (0.58, height * 0.82),
            (0.45, height * 0.90),
            (0.45, height * 0.94),
        ]
    return foot + g.smoothed(body)


def _water(kit: Kit, profile: list[tuple[float, float]], radius: float) -> None:
    level = profile[-1][1] * kit.rng.uniform(0.25, 0.7)
    inside = [(r * 0.9, z + 0.04) for r, z in profile if z < level]
    tint = (0.80, 0.92, 0.96) if kit.clear else kit.tone
    kit.add(
        g.turned([(0.01, 0.04), *inside, (0.01, inside[-1][1])], radius, radius),
        kit.skin("clear", tint, condition="new"),
    )


def _rings(kit: Kit, profile: list[tuple[float, float]], radius: float) -> None:
    skin = kit.skin("rubber", kit.trim)
    for share in (0.10, 0.62, 0.68):
        z = profile[-1][1] * share
        r = float(np.interp(z, [p[1] for p in profile], [p[0] for p in profile])) * radius * 1.006
        kit.add(g.turned([(0.99, z), (1.02, z + 0.01), (1.02, z + 0.06), (0.99, z + 0.07)], r, r), skin)


def _lid_skin(kit: Kit):  # type: ignore[no-untyped-def]
    if kit.clear:
        tone = sample(kit.rng.choice(("blue", "gray", "black")), kit.rng)
        return kit.skin("plastic", tone if kit.rng.random() < 0.4 else linear((0.80, 0.83, 0.85)))
    return kit.skin("plastic", kit.trim if kit.rng.random() < 0.6 else kit.tone)


def _screw(kit: Kit, neck: float, z: float, height: float):  # type: ignore[no-untyped-def]
    skin = _lid_skin(kit)
    kit.add(
        g.turned(
            [
                (1.06, z - 0.03),
                (1.14, z),
                (1.14, z + height),
                (1.05, z + height + 0.03),
                (0.01, z + height + 0.035),
            ],
            neck,
            neck,
        ),
        skin,
        smooth=30,
    )
    ridge = kit.skin("plastic", shade(kit.trim, 0.5))
    for k in range(24):
        a = k * math.tau / 24
        kit.add(
            g.moved(
                g.box(0.015, 0.03, height * 0.8, z + height * 0.1),
                (1.145 * neck * math.sin(a), -1.145 * neck * math.cos(a), 0),
            ),
            ridge,
        )
    return skin


def _loop_cap(kit: Kit, neck: float, z: float) -> None:
    height = 0.22
    skin = _screw(kit, neck, z, height)
    arc = np.array(
        [(0.19 * math.cos(a), 0, z + height + 0.30 * math.sin(a)) for a in np.linspace(0, math.pi, 18)]
    )
    kit.add(g.sweep(arc, 0.10, 0.07, (0, 1, 0)), skin)


def _sport_cap(kit: Kit, neck: float, z: float) -> None:
    skin = _screw(kit, neck, z, 0.18)
    cone = [(1.0, z + 0.20), (0.75, z + 0.27), (0.45, z + 0.31), (0.40, z + 0.40)]
    kit.add(g.turned(cone, neck, neck), skin, smooth=40)
    kit.add(
        g.turned(
            [(0.8, z + 0.38), (1, z + 0.42), (1, z + 0.52), (0.7, z + 0.58), (0.01, z + 0.58)],
            neck * 0.42,
            neck * 0.42,
        ),
        kit.skin("rubber", kit.trim),
        smooth=40,
    )


def _straw_cap(kit: Kit, neck: float, z: float) -> None:
    skin = _screw(kit, neck, z, 0.20)
    lean = kit.rng.choice((-1, 1))
    path = g.spline(
        np.array([(0, 0, z + 0.2), (0, 0, z + 0.34), (lean * 0.06, 0, z + 0.44), (lean * 0.22, 0, z + 0.50)]),
        5,
    )
    kit.add(g.sweep(path, 0.11, 0.11, (0, 1, 0), exponent=2), kit.skin("rubber", kit.trim))
    arc = np.array([(0, 0.24 * math.cos(a), z + 0.2 + 0.20 * math.sin(a)) for a in np.linspace(0, 1.9, 12)])
    kit.add(g.sweep(arc, 0.08, 0.06, (1, 0, 0)), skin)
