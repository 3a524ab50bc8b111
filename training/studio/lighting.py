"""Light as in rooms where people photograph things: windows, lamps, flash, and too little of it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector  # type: ignore[import-not-found]

from training.studio.geometry import Array
from training.studio.materials import with_nodes
from training.studio.palette import RGB
from training.studio.shading import Graph

_DAY, _SKY, _BULB, _NEUTRAL = (1.0, 0.97, 0.92), (0.92, 0.96, 1.0), (1.0, 0.79, 0.56), (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Scheme:
    """Strength and tint of the room and of the key light; ``key_size`` is its side in decimetres."""

    room: float
    room_tint: RGB
    key: float
    key_tint: RGB
    key_size: float
    height: float = 50.0


SCHEMES: dict[str, Scheme] = {
    "window": Scheme(0.42, _SKY, 1.0, _DAY, 7.0),
    "overcast": Scheme(0.95, _SKY, 0.35, _SKY, 16.0, 70.0),
    "lamp": Scheme(0.28, (1.0, 0.88, 0.74), 0.95, _BULB, 2.0, 55.0),
    "studio": Scheme(0.65, _NEUTRAL, 0.8, _NEUTRAL, 10.0, 55.0),
    "flash": Scheme(0.25, _DAY, 1.0, _NEUTRAL, 0.8, 40.0),
    "dim": Scheme(0.16, (0.75, 0.80, 1.0), 0.16, _BULB, 4.0, 40.0),
    "dark": Scheme(0.07, (0.75, 0.80, 1.0), 0.10, _BULB, 3.0, 25.0),
}


def build(kind: str, radius: float, rng: random.Random) -> None:
    """World light and a key light round a product of bounding ``radius`` (dm) that stands on the origin."""
    scheme = SCHEMES[kind]
    _room(scheme, rng)
    azimuth = rng.choice((-1, 1)) * rng.uniform(25, 85) if kind != "flash" else rng.uniform(-8, 8)
    if kind == "dim":
        azimuth += 180 * (rng.random() < 0.5)  # often against the light
    if kind == "dark":
        azimuth = 180 - azimuth * 0.6  # always against it
    distance = 4 * radius + 3
    _area(
        scheme,
        math.radians(azimuth),
        math.radians(scheme.height + rng.uniform(-12, 12)),
        distance,
        radius,
        rng,
    )


def _area(
    scheme: Scheme, azimuth: float, height: float, distance: float, radius: float, rng: random.Random
) -> None:
    light = bpy.data.lights.new("key", "AREA")
    light.size = scheme.key_size * (0.6 + 0.25 * radius)
    light.energy = scheme.key * rng.uniform(0.8, 1.2) * 12.0 * distance**2
    light.color = scheme.key_tint
    item = bpy.data.objects.new("key", light)
    flat = math.cos(height) * distance
    item.location = (
        math.sin(azimuth) * flat,
        -math.cos(azimuth) * flat,
        math.sin(height) * distance + radius,
    )
    item.rotation_euler = (Vector((0, 0, radius * 0.6)) - item.location).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(item)


def _room(scheme: Scheme, rng: random.Random) -> None:
    """A room to reflect: bright above, darker below, with two windows."""
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    with_nodes(world)
    world.cycles.sampling_method, world.cycles.sample_map_resolution = (
        "MANUAL",
        64,
    )  # else seconds per picture
    graph = Graph(world)
    sides = _directions()
    bright = np.clip((sides[..., 2:] + 0.3) / 1.1, 0, 1)
    tint = np.asarray(scheme.room_tint)
    walls = np.array((0.28, 0.26, 0.24)) * (1 - bright) + tint * bright
    glow = np.maximum(*(_window(sides, side * rng.uniform(0.3, 2.8), rng) for side in (-1, 1)))[..., None]
    picture = graph.node("TexEnvironment", image=_image(walls * (1 - glow) + 4.0 * tint * glow)).outputs[0]
    shader = graph.node("Background", {"Color": picture, "Strength": scheme.room * rng.uniform(0.85, 1.15)})
    graph.node("OutputWorld", {"Surface": shader.outputs[0]})


def _directions(height: int = 64) -> Array:
    """Unit vectors (height, 2 * height, 3) of an equirectangular panorama whose middle looks along -y."""
    polar = (np.arange(height) + 0.5) / height * math.pi - math.pi / 2
    azimuth = ((np.arange(2 * height) + 0.5) / height - 1) * math.pi
    up, round_ = np.meshgrid(polar, azimuth, indexing="ij")
    return np.stack([np.cos(up) * np.sin(round_), -np.cos(up) * np.cos(round_), np.sin(up)], axis=2)


def _window(sides: Array, azimuth: float, rng: random.Random) -> Array:
    """1 where a direction looks at a window at ``azimuth`` (radians from the camera), else 0; soft edge."""
    across = np.abs((np.arctan2(sides[..., 0], -sides[..., 1]) - azimuth + math.pi) % math.tau - math.pi)
    up = np.abs(sides[..., 2] - rng.uniform(0.3, 0.5))
    pane: Array = np.clip((0.34 - across) / 0.05, 0, 1) * np.clip((0.27 - up) / 0.05, 0, 1)
    return pane


def _image(panorama: Array) -> bpy.types.Image:
    height, width = panorama.shape[:2]
    image = bpy.data.images.new("room", width, height, float_buffer=True)
    image.pixels.foreach_set(np.dstack([panorama, np.ones((height, width))]).astype(np.float32).ravel())
    image.update()
    return image
