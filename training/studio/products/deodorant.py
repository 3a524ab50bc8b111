"""Deodorants: flat sticks with a cap and a turning wheel, spray cans, roll-ons."""

from __future__ import annotations

from training.studio import geometry as g
from training.studio.kit import Kit
from training.studio.palette import linear, shade

_WORDS = ("DEODORANT", "48h")


def build(kit: Kit) -> None:
    forms = {"metal": _spray, "glass": _roll_on}
    forms.get(kit.instance.material, _roll_on if kit.rng.random() < 0.25 else _stick)(kit)


def _stick(kit: Kit) -> None:
    rng = kit.rng
    rx, ry, exponent = rng.uniform(0.30, 0.36), rng.uniform(0.15, 0.19), rng.uniform(2.2, 3.2)
    body, cap = rng.uniform(0.78, 0.92), rng.uniform(0.32, 0.45)
    wheel = g.turned([(0.9, 0), (0.94, 0.02), (0.94, 0.11)], rx, ry, exponent)
    kit.add(wheel, kit.skin("plastic", kit.trim), smooth=30)
    decals = kit.label(_WORDS, (0.33, 0.08, 0.67, 0.95), (224, 300))
    tube = g.turned([(0.98, 0.12), (1, 0.14), (1.0, body), (0.98, body + 0.015)], rx, ry, exponent)
    kit.add(tube, kit.skin(decals=decals), smooth=30)
    if rng.random() < 0.3:
        kit.add(
            g.turned([(0.90, body), (0.90, body + 0.06)], rx, ry, exponent), kit.skin("plastic", kit.trim)
        )
        dome = g.smoothed(
            [
                (0.84, body + 0.05),
                (0.84, body + 0.22),
                (0.66, body + 0.32),
                (0.3, body + 0.37),
                (0.01, body + 0.375),
            ]
        )
        kit.add(
            g.turned(dome, rx, ry, exponent),
            kit.skin("soap", linear((0.93, 0.93, 0.9)), condition="new"),
            smooth=180,
        )
        _cap(kit, rx, ry, exponent, 0.0, cap, (rx * 2.6, -ry * 0.8))
    else:
        _cap(kit, rx, ry, exponent, body + 0.03, cap, (0, 0))
    kit.tag((rx * 0.6, -ry * 1.05, body * 0.98), 0.95)


def _cap(
    kit: Kit, rx: float, ry: float, exponent: float, z: float, height: float, at: tuple[float, float]
) -> None:
    own = kit.instance.color in ("white", "black") or kit.rng.random() < 0.6
    profile = [(0.99, 0), (1.0, 0.01)] + g.smoothed(
        [
            (0.99, height * 0.6),
            (0.94, height * 0.85),
            (0.76, height),
            (0.4, height * 1.05),
            (0.01, height * 1.06),
        ]
    )
    mesh = g.moved(g.turned(profile, rx, ry, exponent), (*at, z))
    kit.add(mesh, kit.skin("plastic", kit.tone if own else kit.trim), smooth=40)


def _spray(kit: Kit) -> None:
    rng = kit.rng
    radius, height = rng.uniform(0.21, 0.25), rng.uniform(1.15, 1.45)
    can = [(0.9, 0.0), (0.98, 0.02), (1.0, 0.05), (1.0, height)] + g.smoothed(
        [(1.0, height), (0.93, height + 0.07), (0.70, height + 0.15)]
    )
    decals = kit.label(_WORDS, (0.28, 0.10, 0.72, 0.92), (256, 330))
    kit.add(kit.battered(g.turned(can, radius, radius), 0.03, 4), kit.skin(decals=decals), smooth=30)
    top = height + 0.10
    cap = [(0.86, top - 0.06), (0.88, top)] + g.smoothed(
        [(0.88, top + 0.24), (0.80, top + 0.36), (0.55, top + 0.42), (0.01, top + 0.43)]
    )
    kit.add(
        g.turned(cap, radius, radius),
        kit.skin("plastic", kit.trim if kit.instance.color != "silver" else linear((0.9, 0.9, 0.9))),
        smooth=40,
    )
    kit.tag((radius * 0.5, -radius, height * 0.98), 0.95)


def _roll_on(kit: Kit) -> None:
    rng = kit.rng
    radius, body = rng.uniform(0.20, 0.24), rng.uniform(0.52, 0.66)
    bottle = g.smoothed(
        [(0.72, 0.0), (0.92, 0.03), (1.0, 0.16), (0.98, 0.40), (0.86, body), (0.62, body + 0.12)]
    )
    decals = kit.label(_WORDS, (0.31, 0.10, 0.69, 0.80), (256, 230))
    kit.add(g.turned([(0.01, 0), *bottle], radius, radius), kit.skin(decals=decals), smooth=40)
    if kit.kind == "glass":
        milk = kit.skin("matte", shade(kit.tone, 0.5, 0.4), condition="new")
        kit.add(
            g.turned(
                [(0.01, 0.05), *[(r * 0.88, z * 0.94 + 0.05) for r, z in bottle[:-4]], (0.01, body)],
                radius,
                radius,
            ),
            milk,
        )
    cap = [(0.90, body + 0.05), (0.94, body + 0.08)] + g.smoothed(
        [(0.94, body + 0.34), (0.84, body + 0.52), (0.5, body + 0.60), (0.01, body + 0.61)]
    )
    kit.add(
        g.turned(cap, radius, radius),
        kit.skin("plastic", kit.tone if rng.random() < 0.6 else linear((0.92, 0.92, 0.9))),
        smooth=40,
    )
    kit.tag((radius * 0.5, -radius, body * 1.0), 0.95)
