"""Parametric surfaces as plain arrays: rings lofted into quads with texture coordinates.

Lengths are decimetres, z is up, the front of a product looks along -y. Around a ring the texture
coordinate u runs 0..1 from the back (+y) over -x, the front (u = 0.5) and +x; v runs 0..1 with height.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """Vertices (V, 3) float64, faces as vertex indices, and one (u, v) per face corner."""

    vertices: Array
    faces: tuple[tuple[int, ...], ...]
    uvs: tuple[tuple[float, float], ...]


def superellipse(rx: float, ry: float, exponent: float = 2.0, segments: int = 48) -> Array:
    """One closed ring (segments, 2); exponent 2 is an ellipse, 4 and more a rounded rectangle."""
    theta = np.arange(segments) * (2 * math.pi / segments)
    x, y = -np.sin(theta), np.cos(theta)
    power = 2.0 / exponent
    return np.stack([rx * np.sign(x) * np.abs(x) ** power, ry * np.sign(y) * np.abs(y) ** power], axis=1)


def lift(ring: Array, z: float, scale: float = 1.0, offset: tuple[float, float] = (0.0, 0.0)) -> Array:
    """The flat ring (N, 2) at height z as (N, 3), scaled about its centre, then moved."""
    flat = ring * scale + np.asarray(offset)
    return np.column_stack([flat, np.full(len(flat), z)])


def loft(rings: Sequence[Array], cap_bottom: bool = True, cap_top: bool = True, closed: bool = True) -> Mesh:
    """Join rings of equal length (N, 3), listed from bottom to top, into quads.

    ``closed`` says whether the last point of a ring joins the first.
    """
    stack = np.stack(rings)  # (R, N, 3)
    count, width = stack.shape[:2]
    heights = _heights(stack)
    spans = width if closed else width - 1
    across = float(spans)
    faces: list[tuple[int, ...]] = []
    uvs: list[tuple[float, float]] = []
    for i in range(count - 1):
        for j in range(spans):
            k = (j + 1) % width
            faces.append((i * width + j, i * width + k, (i + 1) * width + k, (i + 1) * width + j))
            u0, u1, v0, v1 = j / across, (j + 1) / across, heights[i], heights[i + 1]
            uvs += [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]
    if closed and cap_bottom:
        faces.append(tuple(reversed(range(width))))
        uvs += [(-1.0, -1.0)] * width
    if closed and cap_top:
        faces.append(tuple((count - 1) * width + j for j in range(width)))
        uvs += [(-1.0, -1.0)] * width
    return Mesh(stack.reshape(-1, 3), tuple(faces), tuple(uvs))


def _heights(stack: Array) -> list[float]:
    middle = stack[:, :, 2].mean(axis=1)
    low, high = float(middle.min()), float(middle.max())
    if high - low < 1e-9:
        return list(np.linspace(0.0, 1.0, len(stack)))
    return [float((z - low) / (high - low)) for z in middle]


def turned(
    profile: Sequence[tuple[float, float]],
    rx: float = 1.0,
    ry: float = 1.0,
    exponent: float = 2.0,
    segments: int = 48,
) -> Mesh:
    """A body from a profile of (relative radius, height) over a superellipse of half-axes rx, ry."""
    ring = superellipse(rx, ry, exponent, segments)
    return loft([lift(ring, z, max(r, 1e-4)) for r, z in profile])


def smoothed(profile: Sequence[tuple[float, float]], per_span: int = 5) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through the profile's points, ``per_span`` points per span."""
    return [(float(p[0]), float(p[1])) for p in spline(np.asarray(profile, dtype=float), per_span)]


def spline(points: Array, per_span: int = 8, closed: bool = False) -> Array:
    """Catmull-Rom through points (N, D); the ends are repeated unless ``closed``."""
    padded = (
        np.vstack([points[-1:], points, points[:2]])
        if closed
        else np.vstack([points[:1], points, points[-1:]])
    )
    t = np.linspace(0, 1, per_span, endpoint=False)[:, None]
    spans = []
    for i in range(len(padded) - 3):
        a, b, c, d = padded[i : i + 4]
        spans.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    curve = np.vstack(spans)
    return curve if closed else np.vstack([curve, points[-1:]])


def box(width: float, depth: float, height: float, z: float = 0.0) -> Mesh:
    """An upright box standing at height z, centred in x and y."""
    ring = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]) * (width, depth)
    return loft([lift(ring, z), lift(ring, z + height)])


def pillow(
    width: float,
    depth: float,
    height: float,
    z: float = 0.0,
    exponent: float = 4.0,
    edge: float = 0.25,
    segments: int = 48,
) -> Mesh:
    """A box with rounded corners and rounded top and bottom rims; edge is a share of the height."""
    ring = superellipse(width / 2, depth / 2, exponent, segments)
    inset = min(edge * height / min(width, depth) * 2, 0.9)
    rings = []
    for angle in np.linspace(-math.pi / 2, 0, 7):
        rings.append(lift(ring, z + edge * height * (1 + math.sin(angle)), 1 - inset * (1 - math.cos(angle))))
    for angle in np.linspace(0, math.pi / 2, 7):
        rings.append(
            lift(ring, z + height - edge * height * (1 - math.sin(angle)), 1 - inset * (1 - math.cos(angle)))
        )
    return loft(rings)


def sweep(
    path: Array,
    width: float,
    thickness: float,
    up: tuple[float, float, float] = (0, 0, 1),
    closed: bool = False,
    segments: int = 10,
    exponent: float = 3.0,
) -> Mesh:
    """A strap or tube along path (N, 3): ``width`` lies across both the path and ``up``."""
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    if not closed:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-12
    side = np.cross(ahead, np.asarray(up, dtype=float))
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    normal = np.cross(side, ahead)
    section = superellipse(width / 2, thickness / 2, exponent, segments)
    rings = [p + section[:, :1] * s + section[:, 1:] * n for p, s, n in zip(path, side, normal, strict=True)]
    if closed:
        rings.append(rings[0])
    return _along(loft(rings, cap_bottom=not closed, cap_top=not closed), len(rings), segments)


def _along(mesh: Mesh, count: int, width: int) -> Mesh:
    """The same mesh with v running along the path rather than with height."""
    uvs = []
    for i in range(count - 1):
        for j in range(width):
            u0, u1, v0, v1 = j / width, (j + 1) / width, i / (count - 1), (i + 1) / (count - 1)
            uvs += [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]
    return Mesh(mesh.vertices, mesh.faces, tuple(uvs) + mesh.uvs[len(uvs) :])


def sheet(grid: Array) -> Mesh:
    """An open patch from a grid of points (rows, columns, 3); u runs over columns, v over rows."""
    rows, columns = grid.shape[:2]
    faces, uvs = [], []
    for i in range(rows - 1):
        for j in range(columns - 1):
            faces.append(
                (i * columns + j, i * columns + j + 1, (i + 1) * columns + j + 1, (i + 1) * columns + j)
            )
            u0, u1, v0, v1 = j / (columns - 1), (j + 1) / (columns - 1), i / (rows - 1), (i + 1) / (rows - 1)
            uvs += [(u0, v0), (u1, v0), (u1, v1), (u0, v1)]
    return Mesh(grid.reshape(-1, 3), tuple(faces), tuple(uvs))


def ball(radius: float, centre: tuple[float, float, float] = (0, 0, 0), squash: float = 1.0) -> Mesh:
    """A sphere, flattened in z by ``squash``."""
    angles = np.linspace(-math.pi / 2, math.pi / 2, 13)
    ring = superellipse(radius, radius, 2, 20)
    return loft(
        [
            lift(ring, centre[2] + radius * squash * math.sin(a), max(math.cos(a), 1e-3), centre[:2])
            for a in angles
        ]
    )


def moved(mesh: Mesh, offset: Sequence[float] | Array = (0, 0, 0), turn: Array | None = None) -> Mesh:
    """The mesh turned by a (3, 3) matrix, then moved."""
    vertices = mesh.vertices if turn is None else mesh.vertices @ turn.T
    return Mesh(vertices + np.asarray(offset, dtype=float), mesh.faces, mesh.uvs)


def rotation(axis: str, degrees: float) -> Array:
    """Rotation matrix (3, 3) about x, y or z."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def dented(mesh: Mesh, depth: float, count: int, rng: random.Random) -> Mesh:
    """The mesh with ``count`` soft hollows pushed towards its axis, up to ``depth`` dm deep."""
    vertices = mesh.vertices.copy()
    low, high = vertices.min(0), vertices.max(0)
    for _ in range(count):
        centre = vertices[rng.randrange(len(vertices))]
        reach = rng.uniform(0.10, 0.22) * float(np.linalg.norm(high - low))
        push = np.exp(-((vertices - centre) ** 2).sum(1) / (2 * (reach / 2) ** 2))
        inward = (low + high) / 2 - centre
        inward[2] *= 0.2
        inward /= np.linalg.norm(inward) + 1e-9
        vertices += push[:, None] * inward * depth * rng.uniform(0.5, 1.0)
    return Mesh(vertices, mesh.faces, mesh.uvs)
