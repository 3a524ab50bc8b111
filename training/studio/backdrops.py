"""What stands under and behind the product: tables, floors, cloths and walls."""

from __future__ import annotations

import random

import bpy
import numpy as np

from training.studio.geometry import Mesh, sheet
from training.studio.palette import RGB, linear
from training.studio.scene import place
from training.studio.shading import Graph, Socket

_WOODS = ((0.52, 0.36, 0.22), (0.70, 0.54, 0.36), (0.36, 0.23, 0.15), (0.62, 0.50, 0.40), (0.78, 0.66, 0.50))
_STONES = ((0.55, 0.54, 0.52), (0.42, 0.42, 0.43), (0.66, 0.63, 0.58))
_CLOTHS = (
    (0.80, 0.77, 0.70),
    (0.44, 0.50, 0.58),
    (0.55, 0.42, 0.40),
    (0.38, 0.42, 0.36),
    (0.70, 0.66, 0.74),
    (0.25, 0.27, 0.33),
)
_WALLS = (
    (0.86, 0.85, 0.82),
    (0.74, 0.78, 0.80),
    (0.80, 0.74, 0.66),
    (0.62, 0.66, 0.62),
    (0.55, 0.58, 0.66),
    (0.90, 0.90, 0.90),
    (0.46, 0.44, 0.44),
)


def build(kind: str, rng: random.Random) -> None:
    """Ground at z = 0 and a wall behind it (+y)."""
    wall = _material(lambda g: _plaster(g, rng), 0.9)
    if kind == "sweep":
        place(_sweep_mesh(rng.uniform(3.5, 6.0)), wall, name="ground", smooth=180)
        return
    shader, roughness, relief = _GROUNDS[kind]
    turn = rng.uniform(-0.5, 0.5) + rng.choice((0, 1.5708))
    ground = _material(lambda g: shader(g, rng, turn), roughness, relief)
    place(_ground_mesh(kind, rng), ground, name="ground", smooth=180)
    if rng.random() < 0.75:
        depth = rng.uniform(3.5, 10)
        place(
            sheet(np.array([[(-60, depth, z), (60, depth, z)] for z in (-1.0, 60.0)], dtype=float)),
            wall,
            name="wall",
        )


def _ground_mesh(kind: str, rng: random.Random) -> Mesh:
    if kind != "cloth":
        return sheet(np.array([[(-60, y, 0), (60, y, 0)] for y in (-40.0, 60.0)], dtype=float))
    x, y = np.meshgrid(np.linspace(-12, 12, 70), np.linspace(-10, 14, 70))
    z = np.zeros_like(x)
    for _ in range(5):
        angle, pitch, phase = rng.uniform(0, 3.1416), rng.uniform(0.25, 0.8), rng.uniform(0, 6.3)
        z += 0.035 / pitch**0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * pitch * 3 + phase)
    calm = np.clip((np.hypot(x, y) - 1.0) / 3.0, 0.0, 1.0)  # flat where the product stands
    return sheet(np.stack([x, y, np.minimum(z, 0.25) * calm - 0.02 * calm], axis=2))


def _sweep_mesh(depth: float) -> Mesh:
    rows = [(-40.0, 0.0), (depth - 3, 0.0)]
    rows += [(depth - 3 + 3 * float(np.sin(a)), 3 - 3 * float(np.cos(a))) for a in np.linspace(0.1, 1.57, 10)]
    rows.append((depth, 60.0))
    return sheet(np.array([[(-60, y, z), (60, y, z)] for y, z in rows], dtype=float))


def _material(shader, roughness: float, relief: float = 0.0) -> bpy.types.Material:  # type: ignore[no-untyped-def]
    material = bpy.data.materials.new("backdrop")
    if material.node_tree is None:
        material.use_nodes = True
    graph = Graph(material)
    colour, height = shader(graph)
    inputs = {"Base Color": colour, "Roughness": roughness}
    if relief:
        inputs["Normal"] = graph.node(
            "Bump", {"Strength": relief, "Distance": 0.03, "Height": height}
        ).outputs[0]
    graph.node("OutputMaterial", {"Surface": graph.node("BsdfPrincipled", inputs).outputs[0]})
    return material


def _shade(rgb: RGB, factor: float) -> RGB:
    return linear((min(rgb[0] * factor, 1.0), min(rgb[1] * factor, 1.0), min(rgb[2] * factor, 1.0)))


def _plaster(graph: Graph, rng: random.Random) -> tuple[Socket, Socket]:
    tone = rng.choice(_WALLS)
    field = graph.noise(graph.place(shift=rng.uniform(0, 50)), 0.35, 2)
    return graph.mix(graph.remap(field, 0.3, 0.7), _shade(tone, 0.93), _shade(tone, 1.04)), field


def _wood(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(_WOODS)
    at = graph.place(scale=(0.25, 2.6, 1.0), shift=rng.uniform(0, 50), turn=0)
    at = graph.node("VectorRotate", {"Vector": at, "Angle": turn}, rotation_type="Z_AXIS").outputs[0]
    rings = graph.noise(at, 1.6, 3, 0.65, 0.6)
    return graph.mix(graph.remap(rings, 0.3, 0.7), _shade(tone, 0.72), _shade(tone, 1.12)), rings


def _parquet(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(_WOODS)
    at = graph.node("VectorRotate", {"Vector": graph.place(), "Angle": turn}, rotation_type="Z_AXIS").outputs[
        0
    ]
    brick = graph.node(
        "TexBrick",
        {
            "Vector": at,
            "Color1": _shade(tone, 0.85),
            "Color2": _shade(tone, 1.12),
            "Mortar": _shade(tone, 0.3),
            "Scale": 1.0,
            "Mortar Size": 0.012,
            "Brick Width": rng.uniform(4, 7),
            "Row Height": rng.uniform(0.7, 1.2),
        },
    )
    grain = graph.noise(graph.place(scale=(0.4, 3, 1), shift=3), 2.0, 2)
    return graph.mix(
        graph.remap(grain, 0.35, 0.65, 0, 0.35), brick.outputs[0], _shade(tone, 0.6)
    ), brick.outputs[1]


def _tiles(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone, width = rng.choice(_STONES + _WALLS), rng.uniform(1.8, 3.5)
    at = graph.node("VectorRotate", {"Vector": graph.place(), "Angle": turn}, rotation_type="Z_AXIS").outputs[
        0
    ]
    brick = graph.node(
        "TexBrick",
        {
            "Vector": at,
            "Color1": _shade(tone, 0.95),
            "Color2": _shade(tone, 1.06),
            "Mortar": _shade(tone, 0.55),
            "Scale": 1.0,
            "Mortar Size": 0.03,
            "Brick Width": width,
            "Row Height": width,
        },
        offset=0.0,
    )
    return brick.outputs[0], brick.outputs[1]


def _marble(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    light = rng.random() < 0.7
    field = graph.noise(graph.place(shift=rng.uniform(0, 50)), 0.5, 4, 0.6, 1.4)
    vein = graph.remap(graph.math("ABSOLUTE", graph.math("SUBTRACT", field, 0.5)), 0.0, 0.07, 0.75, 0.0)
    body, line = (
        ((0.86, 0.85, 0.83), (0.45, 0.45, 0.47)) if light else ((0.13, 0.14, 0.14), (0.62, 0.60, 0.56))
    )
    return graph.mix(vein, linear(body), linear(line)), field


def _concrete(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(_STONES)
    field = graph.noise(graph.place(shift=rng.uniform(0, 50)), 1.1, 4, 0.7)
    return graph.mix(graph.remap(field, 0.3, 0.7), _shade(tone, 0.75), _shade(tone, 1.1)), field


def _desk(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(((0.88, 0.88, 0.87), (0.80, 0.79, 0.76), (0.30, 0.31, 0.33), (0.70, 0.74, 0.76)))
    field = graph.noise(graph.place(), 0.6, 2)
    return graph.mix(graph.remap(field, 0.3, 0.7), _shade(tone, 0.97), _shade(tone, 1.02)), field


def _cloth(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(_CLOTHS)
    at = graph.node("VectorRotate", {"Vector": graph.place(), "Angle": turn}, rotation_type="Z_AXIS").outputs[
        0
    ]
    if rng.random() < 0.45:
        check = graph.node(
            "TexWave", {"Vector": at, "Scale": rng.uniform(0.15, 0.5)}, bands_direction="X"
        ).outputs[1]
        colour = graph.mix(
            graph.remap(check, 0.45, 0.55, 0, 0.5), _shade(tone, 1.0), _shade(rng.choice(_CLOTHS), 1.0)
        )
    else:
        colour = graph.mix(
            graph.remap(graph.noise(at, 8, 2), 0.3, 0.7), _shade(tone, 0.9), _shade(tone, 1.05)
        )
    return colour, graph.noise(at, 14, 2)


def _carpet(graph: Graph, rng: random.Random, turn: float) -> tuple[Socket, Socket]:
    tone = rng.choice(_CLOTHS + _STONES)
    field = graph.noise(graph.place(shift=rng.uniform(0, 50)), 7.0, 3, 0.8)
    return graph.mix(graph.remap(field, 0.35, 0.65), _shade(tone, 0.55), _shade(tone, 1.1)), field


_GROUNDS = {
    "wood": (_wood, 0.45, 0.0),
    "desk": (_desk, 0.35, 0.0),
    "floor": (_tiles, 0.3, 0.25),
    "parquet": (_parquet, 0.38, 0.0),
    "cloth": (_cloth, 0.95, 0.4),
    "carpet": (_carpet, 1.0, 1.0),
    "marble": (_marble, 0.15, 0.0),
    "concrete": (_concrete, 0.85, 0.0),
}
