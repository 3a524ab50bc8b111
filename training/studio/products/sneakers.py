"""Sneakers: a pair with laces, tongue, stripes, toe cap and a rubber sole; low or high."""

from __future__ import annotations

import math

import numpy as np

from training.studio import geometry as g
from training.studio import palette
from training.studio.geometry import Array, Mesh
from training.studio.kit import Kit
from training.studio.palette import linear, shade

_HALF = np.array(
    [
        (0.0, 1.40),
        (0.24, 1.30),
        (0.34, 1.0),
        (0.34, 0.5),
        (0.36, 0.0),
        (0.44, -0.55),
        (0.46, -0.85),
        (0.36, -1.22),
        (0.20, -1.40),
        (0.0, -1.46),
    ]
)
_N = 64


class Last:
    """The form of one shoe: a surface over (u, s), u round the foot from the heel, s from sole to collar."""

    def __init__(self, kit: Kit) -> None:
        rng = kit.rng
        self.high = rng.random() < 0.25
        self.base = rng.uniform(0.16, 0.26)
        self.collar = rng.uniform(1.15, 1.35) if self.high else rng.uniform(0.80, 0.90)
        self.fullness = rng.uniform(0.55, 0.75)
        slim = rng.uniform(0.92, 1.06)
        outline = np.vstack([_HALF * (-1, 1), _HALF[-2:0:-1]])
        dense = g.spline(outline * (slim, 1.0), 12, closed=True)
        dense = np.roll(dense, -12 if not np.allclose(dense[0], outline[0]) else 0, axis=0)
        lengths = np.concatenate(
            [[0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0, append=dense[:1]), axis=1))]
        )
        closed = np.vstack([dense, dense[:1]])
        at = np.linspace(0, lengths[-1], 400)
        self._outline = np.column_stack([np.interp(at, lengths, closed[:, k]) for k in (0, 1)])
        start = int(np.argmax(self._outline[:, 1]))
        self._outline = np.roll(self._outline[:-1], -start, axis=0)

    def foot(self, u: float) -> Array:
        """The footprint at u (2,)."""
        return np.asarray(self._outline[int(round((u % 1.0) * len(self._outline))) % len(self._outline)])

    def at(self, u: float, s: float, out: float = 0.0) -> Array:
        """A point (3,) of the upper, ``out`` dm above it."""
        theta = math.tau * u
        collar = np.array([-0.27 * math.sin(theta), 0.84 + 0.50 * math.cos(theta)])
        foot = self.foot(u)
        toe = max(0.0, -math.cos(theta))
        angle = s * math.pi / 2
        share = 1 - math.cos(angle) ** (1.0 + 0.25 * toe)
        rise = self.fullness * math.sin(angle) + (1 - self.fullness) * share
        rise = (
            rise
            if toe < 0.3
            else rise * (1 - 0.3 * (toe - 0.3))
            + 0.3 * (toe - 0.3) * (0.75 * math.sin(angle) ** 1.3 * (1 - share) + share)
        )
        swell = 1.0 + 0.05 * math.sin(angle * 2) * (1 - toe)
        xy = foot * swell + (collar - foot * swell) * share
        rim = self.collar + 0.10 * math.cos(theta) + 0.05 * math.cos(2 * theta)
        point = np.array([xy[0], xy[1], self.base + (rim - self.base) * rise])
        if out:
            axis = np.array([0.0, xy[1] * 0.75 + 0.15, self.base * 0.8])
            normal = point - axis
            point = point + normal / np.linalg.norm(normal) * out
        return point

    def patch(self, corners: tuple[tuple[float, float], ...], out: float = 0.015, steps: int = 10) -> Mesh:
        """A piece over four (u, s) corners: low start, low end, high end, high start."""
        a, b, c, d = (np.array(corner) for corner in corners)
        grid = np.empty((steps, steps, 3))
        for i, t in enumerate(np.linspace(0, 1, steps)):
            for j, w in enumerate(np.linspace(0, 1, steps)):
                u, s = (a * (1 - w) + b * w) * (1 - t) + (d * (1 - w) + c * w) * t
                grid[i, j] = self.at(float(u), float(s), out)
        return g.sheet(grid)


def build(kit: Kit) -> None:
    last = Last(kit)
    parts = _parts(kit, last)
    second_turn, gap = kit.rng.uniform(-16, 16), kit.rng.uniform(1.05, 1.25)
    for mesh, material, options in parts:
        kit.add(g.moved(mesh, (-gap / 2, 0, 0)), material, **options)
        mirrored = Mesh(mesh.vertices * (-1, 1, 1), tuple(f[::-1] for f in mesh.faces), _flipped(mesh))
        kit.add(g.moved(mirrored, (gap / 2, 0.25, 0), g.rotation("z", second_turn)), material, **options)
    kit.tag((gap / 2 + 0.36, 0.4, last.collar * 0.75), 1.2)


def _flipped(mesh: Mesh) -> tuple[tuple[float, float], ...]:
    uvs, start = [], 0
    for face in mesh.faces:
        uvs += list(mesh.uvs[start : start + len(face)])[::-1]
        start += len(face)
    return tuple(uvs)


def _parts(kit: Kit, last: Last):  # type: ignore[no-untyped-def]
    rng = kit.rng
    soft = {"smooth": 70}
    us = np.arange(_N) / _N
    upper = g.loft([np.array([last.at(u, s) for u in us]) for s in np.linspace(0, 1, 16)], False, False)
    inside = g.loft(
        [
            np.array([last.at(u, 1.0) * (0.97 if k else 1, 1, 1) - (0, 0, 0.12 * k) for u in us])
            for k in range(5)
        ],
        False,
        True,
    )
    parts = [
        (kit.battered(upper, 0.05, 5), kit.skin(), soft),
        (inside, kit.skin("matte", linear((0.16, 0.16, 0.17))), soft),
    ]
    parts += _sole(kit, last)
    second = _second(kit)
    trim = kit.skin(kit.instance.material if kit.instance.material != "fabric" else "leather", second)
    if rng.random() < 0.75:
        parts.append((last.patch(((0.40, 0.0), (0.60, 0.0), (0.56, 0.42), (0.44, 0.42))), trim, soft))
    parts.append((last.patch(((-0.09, 0.0), (0.09, 0.0), (0.05, 0.75), (-0.05, 0.75))), trim, soft))
    parts += _stripes(kit, last, second, soft)
    parts += _laces(kit, last, soft)
    return parts


def _second(kit: Kit):  # type: ignore[no-untyped-def]
    if kit.instance.color == "multicolor":
        return palette.linear(tuple(c / 255 for c in kit.many[1]))  # type: ignore[arg-type]
    if kit.style in ("minimalist", "vintage") or kit.rng.random() < 0.5:
        return shade(kit.tone, 0.72)
    return kit.trim


def _sole(kit: Kit, last: Last):  # type: ignore[no-untyped-def]
    rng = kit.rng
    ring = np.array([last.foot(u) for u in np.arange(_N) / _N])
    heel = ring[:, 1] * rng.uniform(0.02, 0.07)
    levels = (
        (0.98, 0.0),
        (1.02, 0.03),
        (1.045, last.base * 0.5),
        (1.04, last.base),
        (1.01, last.base + 0.06),
        (0.97, last.base + 0.065),
    )
    rings = [np.column_stack([ring * k, z + heel * (z > 0.02)]) for k, z in levels]
    white = kit.skin(
        "rubber", linear((0.92, 0.91, 0.88)) if rng.random() < 0.8 else linear((0.10, 0.10, 0.11))
    )
    gum = kit.skin(
        "rubber",
        rng.choice((linear((0.56, 0.38, 0.22)), linear((0.12, 0.12, 0.13)), linear((0.8, 0.8, 0.78)))),
    )
    tread = [
        np.column_stack([ring * k, np.full(len(ring), z)])
        for k, z in ((1.0, -0.045), (1.03, -0.04), (1.03, 0.02))
    ]
    return [(g.loft(rings), white, {"smooth": 40}), (g.loft(tread), gum, {"smooth": 40})]


def _stripes(kit: Kit, last: Last, second, soft):  # type: ignore[no-untyped-def]
    if kit.style == "minimalist":
        return []
    count = 3 if kit.style == "sports" else kit.rng.choice((0, 1, 1))
    width = 0.022 if count == 3 else 0.05
    skin = kit.skin("leather", kit.trim if kit.style == "sports" else second)
    found = []
    for side in (0.0, 0.5):
        for k in range(count):
            u = 0.27 + 0.042 * k
            low, high = (u, u + width), (u + 0.035, u + 0.035 + width)
            if side:
                low, high = (1 - low[0], 1 - low[1]), (1 - high[0], 1 - high[1])
            found.append(
                (
                    last.patch(((low[0], 0.08), (low[1], 0.08), (high[1], 0.62), (high[0], 0.62)), 0.02),
                    skin,
                    soft,
                )
            )
    return found


def _laces(kit: Kit, last: Last, soft):  # type: ignore[no-untyped-def]
    """Eyelet bands, tongue, crossed laces and a bow."""
    band = kit.skin(None, shade(kit.tone, 0.85))
    light = sum(kit.tone) / 3 > 0.5
    lace = kit.skin(
        "cotton",
        linear((0.15, 0.15, 0.16)) if light and kit.rng.random() < 0.4 else linear((0.93, 0.93, 0.91)),
    )
    low, high = 0.46, 0.97
    found = [
        (
            last.patch(
                (
                    (0.5 + k * 0.035, low),
                    (0.5 + k * 0.085, low),
                    (0.5 + k * 0.17, high),
                    (0.5 + k * 0.10, high),
                ),
                0.022,
            ),
            band,
            soft,
        )
        for k in (-1, 1)
    ]
    found.append(
        (
            last.patch(((0.47, low), (0.53, low), (0.58, 1.0), (0.42, 1.0)), 0.008),
            kit.skin(None, shade(kit.tone, 0.6)),
            soft,
        )
    )
    lift = last.at(0.5, 1.0)
    tongue = np.array([lift + (0, 0.10, -0.08), lift + (0, 0.02, 0.06), lift + (0, -0.02, 0.20)])
    found.append((g.sweep(g.spline(tongue, 5), 0.06, 0.34, (1, 0, 0)), kit.skin(), soft))
    rows = 5 if not last.high else 7
    for i, s in enumerate(np.linspace(low + 0.05, high - 0.03, rows)):
        spread = 0.055 + 0.075 * (s - low) / (high - low)
        step = (high - low) / rows * 0.55
        for k in (-1, 1):
            us = np.linspace(0.5 - k * spread, 0.5 + k * spread, 9)
            path = np.array(
                [
                    last.at(float(u), float(min(s + step * t * (i < rows - 1), 0.99)), 0.045)
                    for u, t in zip(us, np.linspace(0, 1, 9), strict=True)
                ]
            )
            found.append((g.sweep(path, 0.055, 0.035), lace, soft))
    knot = last.at(0.5, 0.93, 0.07)
    for k in (-1, 1):
        loop = knot + np.array(
            [(0, 0, 0), (k * 0.16, -0.05, 0.05), (k * 0.30, -0.02, -0.02), (k * 0.20, 0.0, -0.05), (0, 0, 0)]
        )
        found.append((g.sweep(g.spline(loop, 5), 0.045, 0.03), lace, soft))
    return found
