"""Wrist watches: round or square cases, drawn dials, straps of leather or rubber, metal bracelets."""

from __future__ import annotations

import math

import numpy as np

from training.studio import artwork
from training.studio import geometry as g
from training.studio.geometry import Array, Mesh
from training.studio.kit import Kit
from training.studio.palette import RGB, linear, shade

_STEEL, _BRASS = linear((0.78, 0.79, 0.80)), linear((0.86, 0.70, 0.40))


def build(kit: Kit) -> None:
    rng = kit.rng
    exponent = 2.0 if rng.random() < 0.75 else 5.0
    radius = rng.uniform(0.20, 0.235)
    metal = kit.instance.material == "metal"
    brass = kit.instance.color == "gold" or (not metal and kit.style == "vintage")
    case_colour: RGB = kit.tone if metal else (_BRASS if brass else _STEEL)
    case_kind = kit.kind if metal else "chrome"
    if kit.instance.material == "rubber" and rng.random() < 0.6:
        case_kind, case_colour = "matte", shade(kit.tone, 0.8)
    _case(kit, radius, exponent, case_kind, case_colour)
    width = radius * rng.uniform(0.95, 1.1) * (1.1 if kit.instance.material == "rubber" else 1.0)
    if kit.pose == "flat":
        for path in (_strip(radius, 1), _strip(radius, -1)):
            _strap(kit, path, width, case_colour)
    else:
        _strap(kit, _loop(radius), width, case_colour)
    kit.tag((radius * 1.0, -0.05, -0.05), 0.55)


def _facing(mesh: Mesh, y: float = 0.0) -> Mesh:
    """Turn a mesh that was made looking up so that it looks to the front."""
    return g.moved(mesh, (0, y, 0), g.rotation("x", 90))


def _case(kit: Kit, radius: float, exponent: float, kind: str, colour: RGB) -> None:
    rng = kit.rng
    depth = 0.10
    body = [(0.85, 0), (1.0, 0.02), (1.0, depth * 0.8), (0.96, depth), (0.86, depth), (0.84, depth * 0.75)]
    shell = kit.skin(kind, colour)
    kit.add(_facing(g.turned(body, radius, radius, exponent)), shell)
    dark_dial = rng.random() < (0.7 if kit.style == "sports" else 0.25)
    ground, ink = ((26, 28, 34), (240, 240, 236)) if dark_dial else ((240, 238, 230), (24, 24, 28))
    if kit.style == "vintage":
        ground, ink = (232, 218, 184), (66, 40, 22)
    art = artwork.dial(rng, kit.style, ground, ink)
    side = radius * 0.87
    plate = np.array([[(-side, 0, -side), (side, 0, -side)], [(-side, 0, side), (side, 0, side)]])
    face = kit.skin("paper", linear((0.9, 0.9, 0.88)), picture=art, condition="new")
    if exponent < 3:
        ring = g.lift(g.superellipse(side, side), 0)
        disc = Mesh(
            ring,
            (tuple(range(len(ring))),),
            tuple((0.5 + 0.5 * x / side, 0.5 + 0.5 * y / side) for x, y, _ in ring),
        )
        kit.add(_facing(disc, -depth * 0.78), face)
    else:
        kit.add(g.moved(g.sheet(plate), (0, -depth * 0.78, 0)), face)
    crown = g.turned([(0.9, 0), (1, 0.01), (1, 0.05), (0.8, 0.06)], 0.032, 0.032, segments=16)
    kit.add(g.moved(crown, (radius * 0.98, -depth * 0.5, 0), g.rotation("y", 90)), shell)
    for sx in (-1, 1):
        for sz in (-1, 1):
            lug = g.pillow(0.05, 0.09, 0.10, edge=0.3)
            kit.add(g.moved(lug, (sx * radius * 0.55, -0.035, sz * radius * 1.02 - 0.05)), shell)


def _loop(radius: float) -> Array:
    """The closed strap, from above the case round the back to below it: (N, 3) with x = 0."""
    start = 0.42
    angles = np.linspace(start, 2 * math.pi - start, 60)
    return np.array(
        [
            (0, 0.27 - 0.31 * math.cos(a), 0.28 * math.sin(a) * (1.0 if radius < 0.22 else 1.08))
            for a in angles
        ]
    )


def _strip(radius: float, up: int) -> Array:
    length = 0.85 if up > 0 else 1.1
    return np.array(
        [
            (0, 0.02 - 0.015 * math.sin(t * 3.1), up * (radius * 0.95 + t * length))
            for t in np.linspace(0, 1, 26)
        ]
    )


def _strap(kit: Kit, path: Array, width: float, case_colour: RGB) -> None:
    if kit.instance.material == "metal":
        _bracelet(kit, path, width, case_colour)
        return
    # the strap's width lies along x, so x is the normal of the sweep and the section is given turned
    kit.add(g.sweep(path, 0.045, width * 2 * 0.88, (1, 0, 0)), kit.skin(), smooth=60)
    if kit.instance.material == "leather":
        thread = kit.skin("matte", linear((0.85, 0.78, 0.62)), condition="new")
        for side in (-1, 1):
            edge = _raised(path) + np.array([side * width * 0.76, 0, 0])
            kit.add(g.sweep(edge, 0.014, 0.012, (1, 0, 0)), thread)
    else:
        for k in range(4, len(path) - 3, 3):
            bar = g.pillow(width * 1.5, 0.03, 0.03)
            kit.add(
                g.moved(bar, _raised(path)[k] - (0, 0, 0.015)),
                kit.skin(None, shade(kit.tone, 0.6)),
            )
    buckle = len(path) // 2 if kit.pose != "flat" else len(path) - 2
    kit.add(
        g.moved(g.pillow(width * 2.05, 0.08, 0.12), path[buckle] - (0, 0, 0.06)), kit.skin("chrome", _STEEL)
    )


def _bracelet(kit: Kit, path: Array, width: float, colour: RGB) -> None:
    shell, bright = kit.skin(kit.kind, colour), kit.skin("chrome", colour)
    steps = np.diff(path, axis=0)
    for k in range(0, len(path) - 1, 2):
        step = steps[k] / np.linalg.norm(steps[k])
        lean = math.degrees(math.atan2(-step[1], step[2]))
        length = float(np.linalg.norm(steps[k])) * 1.75
        for x, share, skin in ((-0.58, 0.54, shell), (0, 0.6, bright), (0.58, 0.54, shell)):
            link = g.pillow(width * share * 1.0, 0.06, length, -length / 2, edge=0.2, segments=16)
            kit.add(g.moved(link, path[k] + (x * width, 0, 0), g.rotation("x", lean)), skin, name="link")


def _raised(path: Array) -> Array:
    """The path on the strap's outer face."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    normal = np.cross(ahead, np.array([1.0, 0, 0]))
    middle = path.mean(0)
    sign = np.sign(((path - middle) * normal).sum(1, keepdims=True))
    flat = np.ptp(path[:, 1]) < 0.1
    out = np.array([0, -0.026, 0]) if flat else normal * sign * 0.026
    return np.asarray(path + out, dtype=np.float64)
