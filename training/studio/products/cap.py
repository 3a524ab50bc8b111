"""Peaked caps: six panels with seams, a button, a curved or flat peak, a patch in front."""

from __future__ import annotations

import math

import numpy as np

from training.studio import artwork
from training.studio import geometry as g
from training.studio.geometry import Array
from training.studio.kit import Kit
from training.studio.materials import Decal
from training.studio.palette import linear, shade


def build(kit: Kit) -> None:
    rng = kit.rng
    crown = rng.uniform(0.98, 1.3)
    flat = rng.random() < 0.3
    profile = g.smoothed(
        [
            (1.0, 0.0),
            (1.0, 0.25 * crown),
            (0.94, 0.55 * crown),
            (0.72, 0.86 * crown),
            (0.38, 1.02 * crown),
            (0.02, 1.08 * crown),
        ]
    )
    mark = _emblem(kit)
    two_tone = kit.style == "sports" and kit.instance.color != "multicolor" and rng.random() < 0.6
    dome = kit.battered(g.turned(profile, 0.86, 1.0, segments=60), 0.12, 4)
    kit.add(dome, kit.skin(decals=mark), smooth=180)
    peak_skin = kit.skin(kit.instance.material, kit.trim if two_tone else None)
    kit.add(
        g.sheet(_peak(flat, rng.uniform(0.62, 0.78))), peak_skin, smooth=180, thickness=0.035, subdivide=1
    )
    _stitches(kit, profile, flat)
    kit.add(g.ball(0.07, (0, 0, 1.08 * crown), 0.6), kit.skin(None, kit.trim if two_tone else kit.tone))
    kit.tag((0.55, -0.72, 0.30), 1.1)


def _emblem(kit: Kit) -> tuple[Decal, ...]:
    if kit.style == "minimalist":
        return ()
    ground, ink = kit.ink()
    patch = (236, 224, 196) if kit.style == "vintage" else None
    if patch:
        ink = (70, 42, 20)
    elif kit.style == "sports":
        ink = (
            (196, 32, 36)
            if kit.instance.color in ("white", "black", "gray") and kit.rng.random() < 0.5
            else ink
        )
    return (Decal(artwork.emblem(kit.rng, ink, patch), (0.43, 0.18, 0.57, 0.66), 0.8),)


def _peak(flat: bool, reach: float) -> Array:
    """The peak as a grid (rows outwards, columns across, 3)."""
    grid = np.empty((9, 25, 3))
    for i, t in enumerate(np.linspace(0, 1, 9)):
        for j, a in enumerate(np.linspace(-1.18, 1.18, 25)):
            inner = np.array([0.86 * math.sin(a), -math.cos(a)]) * 0.985
            swell = math.cos(a * 0.5 * math.pi / 1.18) ** 0.42
            outer = np.array([0.92 * math.sin(a) * (1 - 0.1 * abs(a)), -math.cos(a) - reach * swell])
            x, y = inner + (outer - inner) * t
            bend = 0.10 if flat else 0.34
            grid[i, j] = x, y, 0.03 + 0.14 * bend - bend * x * x * (0.5 + 0.5 * t) - 0.10 * t
    return grid[:, ::-1]


def _stitches(kit: Kit, profile: list[tuple[float, float]], flat: bool) -> None:
    seam = kit.skin("matte", shade(kit.tone, 0.55))  # type: ignore[arg-type]
    for k in range(6):
        a = math.pi / 6 + k * math.pi / 3
        path = np.array([(-0.868 * r * math.sin(a), 1.008 * r * math.cos(a), z) for r, z in profile])
        kit.add(g.sweep(path, 0.03, 0.014, (math.sin(a), -math.cos(a), 0.4)), seam)
    eye = kit.skin("matte", linear((0.1, 0.1, 0.1)))
    for k in range(6):
        a = k * math.pi / 3
        r, z = profile[16]
        kit.add(g.ball(0.028, (-0.862 * r * math.sin(a), r * math.cos(a), z)), eye)
    rim = g.superellipse(0.865, 1.005)
    kit.add(g.sweep(g.lift(rim, 0.03), 0.03, 0.05, closed=True), kit.skin(kit.instance.material, kit.tone))
