"""Surfaces of the studio: closed where they should be, sized as asked, facing outwards."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from training.studio import artwork
from training.studio import geometry as g
from training.studio.palette import linear, srgb_sample

BODIES = {
    "turned": g.turned([(0.8, 0.0), (1.0, 0.5), (0.3, 1.0)], 0.5, 0.4),
    "pillow": g.pillow(2.0, 1.0, 0.5),
    "ball": g.ball(0.3, (1, 2, 3)),
    "box": g.box(1, 2, 3),
    "strap": g.sweep(np.array([(0.0, 0, 0), (0, 0, 1), (0, 1, 1)]), 0.2, 0.05, (1, 0, 0)),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_closed(name: str) -> None:
    mesh = BODIES[name]
    edges = Counter((a, b) for face in mesh.faces for a, b in zip(face, face[1:] + face[:1], strict=True))
    assert all(edges[b, a] == count for (a, b), count in edges.items())
    assert len(mesh.uvs) == sum(map(len, mesh.faces))


@pytest.mark.parametrize("name", ["turned", "pillow", "ball", "box"])
def test_faces_look_outwards(name: str) -> None:
    mesh = BODIES[name]
    middle = mesh.vertices.mean(0)
    volume = 0.0
    for face in mesh.faces:
        corners = mesh.vertices[list(face)] - middle
        for i in range(1, len(face) - 1):
            volume += float(np.dot(corners[0], np.cross(corners[i], corners[i + 1]))) / 6
    assert volume > 0


def test_texture_space_is_upright_and_not_mirrored_in_front() -> None:
    mesh = g.turned([(1.0, 0.0), (1.0, 2.0)], 1, 1, segments=64)
    starts = np.cumsum([0, *map(len, mesh.faces)])
    face = next(i for i, f in enumerate(mesh.faces) if len(f) == 4 and mesh.vertices[f[0]][1] < -0.99)
    corners, uv = mesh.vertices[list(mesh.faces[face])], np.array(mesh.uvs[starts[face] : starts[face] + 4])
    assert np.corrcoef(corners[:, 0], uv[:, 0])[0, 1] > 0.99  # to the right as seen from -y
    assert np.corrcoef(corners[:, 2], uv[:, 1])[0, 1] > 0.99


def test_spline_passes_through_its_points() -> None:
    points = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)])
    curve = g.spline(points, 6)
    for point in points:
        assert np.abs(curve - point).sum(1).min() < 1e-9


def test_dents_go_inwards() -> None:
    ball = g.ball(1.0)
    dented = g.dented(ball, 0.2, 5, random.Random(1))
    assert np.linalg.norm(dented.vertices, axis=1).mean() < np.linalg.norm(ball.vertices, axis=1).mean()


def test_named_colours_keep_their_names() -> None:
    rng = random.Random(0)
    for _ in range(50):
        r, gr, b = srgb_sample("red", rng)
        assert r > 2 * max(gr, b)
        r, gr, b = srgb_sample("blue", rng)
        assert b > 1.3 * r
        assert max(srgb_sample("black", rng)) < 0.2
        assert min(srgb_sample("white", rng)) > 0.8
    assert linear((1.0, 0.5, 0.0)) == pytest.approx((1.0, 0.2140, 0.0), abs=1e-4)  # IEC 61966-2-1


@pytest.mark.parametrize("style", ["minimalist", "vintage", "sports", "modern", "formal"])
def test_labels_differ_between_brands(style: str) -> None:
    drawn = {
        artwork.label(random.Random(i), style, (200, 30, 30), (255, 255, 255), ("SOAP",)).tobytes()
        for i in range(4)
    }
    assert len(drawn) == 4
