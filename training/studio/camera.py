"""A hand-held camera: framed by eye, a little tilted, a little off centre."""

from __future__ import annotations

import math
import random

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector  # type: ignore[import-not-found]

from training.studio.geometry import Array

FILL = {"small": 0.56, "medium": 0.70, "large": 0.86}  # of the frame: a hand only half makes up for size


def aim(points: Array, size: str, elevation: float, rng: random.Random) -> bpy.types.Object:
    """Look from the front (-y) at points (N, 3) so that they fill the share of the frame of ``size``."""
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width = rng.uniform(38, 58), 36.0
    item = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(item)
    bpy.context.scene.camera = item
    pitch, swing = math.radians(elevation), math.radians(rng.gauss(0, 3))
    back = Vector((math.sin(swing) * math.cos(pitch), -math.cos(swing) * math.cos(pitch), math.sin(pitch)))
    turn = (-back).to_track_quat("-Z", "Y").to_matrix() @ Matrix.Rotation(
        math.radians(rng.gauss(0, 3.5)), 3, "Z"
    )
    middle = Vector((points.min(0) + points.max(0)) / 2)
    distance = _distance(points, np.array(turn), np.array(middle), FILL[size] * rng.uniform(0.93, 1.07), data)
    jitter = (
        turn
        @ Vector((rng.gauss(0, 0.025), rng.gauss(0, 0.025), 0))
        * distance
        * data.sensor_width
        / data.lens
    )
    item.matrix_world = Matrix.Translation(middle + back * distance + jitter) @ turn.to_4x4()
    data.dof.use_dof = True
    data.dof.focus_distance = distance
    data.dof.aperture_fstop = rng.uniform(2.5, 9.0) / max(distance / 6, 0.3)
    return item


def _distance(points: Array, turn: Array, middle: Array, fill: float, data: bpy.types.Camera) -> float:
    """Where the points' larger extent on the picture is ``fill`` of its side (bisection)."""
    local = (points - middle) @ turn  # camera axes: x right, y up, z towards the camera
    radius = float(np.abs(local).max())
    near, far = radius * 1.3, radius * 60
    for _ in range(40):
        distance = (near + far) / 2
        flat = local[:, :2] / (distance - local[:, 2:]) * (data.lens / data.sensor_width)
        extent = float((flat.max(0) - flat.min(0)).max())
        near, far = (distance, far) if extent > fill else (near, distance)
    return distance


def turned(yaw: float) -> Euler:
    """The product's turn about its axis for a camera that walked ``yaw`` degrees round it."""
    return Euler((0, 0, math.radians(yaw)))
