"""Photographs a plan: one process, many pictures, each written whole; finished files are skipped."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterable
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

from core.files import atomic_write
from core.progress import Progress, silent
from training.studio import backdrops, camera, clutter, lighting, scene
from training.studio.develop import Picture, develop, encode
from training.studio.kit import Kit
from training.studio.plan import Photograph
from training.studio.products import build

# rendered side over finished side: a phone's lens is not sharper, and a quarter of the time is saved
_SENSOR = 0.86


def render(
    photographs: Iterable[Photograph],
    out: Path,
    *,
    size: int,
    samples: int,
    threads: int = 0,
    progress: Progress = silent,
) -> int:
    """Render the photographs that ``out`` lacks as JPEG files of ``size`` pixels; gives how many it made.

    Raises OSError when a file cannot be written; what was finished stays.
    """
    todo = [p for p in photographs if not (out / p.image_path).is_file()]
    for done, photograph in enumerate(todo):
        progress(done, len(todo), photograph.image_path)
        picture = develop(expose(photograph, size, samples, threads), photograph.light, photograph.seed)
        atomic_write(out / photograph.image_path, encode(picture, 80 + photograph.seed % 11))
    progress(len(todo), len(todo), "")
    return len(todo)


def expose(photograph: Photograph, size: int, samples: int, threads: int = 0) -> Picture:
    """The rendered picture (size, size, 3) float32 sRGB in 0..1, before the phone's doings."""
    scene.fresh(round(size * _SENSOR), samples, threads, photograph.seed % 2**16)
    compose(photograph)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exposure.png"
        scene.photograph(path)
        with Image.open(path) as image:
            whole = image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
            return np.asarray(whole, dtype=np.float32) / np.float32(255)


def compose(photograph: Photograph) -> None:
    """Set the scene: product, ground and wall, clutter, light, camera."""
    rng = random.Random(f"photograph {photograph.seed}")
    root = scene.group("product")
    kit = Kit(photograph.instance, root, photograph.pose)
    build(kit)
    elevation = _pose(root, photograph, rng)
    points = scene.settle(root)
    bpy.context.view_layer.update()
    kit.hang_tag(points, rng)
    backdrops.build(photograph.backdrop, rng)
    clutter.scatter(photograph.clutter, points, rng)
    radius = float(np.linalg.norm(points - points.mean(0), axis=1).max())
    lighting.build(photograph.light, radius, rng)
    camera.aim(points, photograph.instance.size, elevation, rng)
    scene.set_bounces(bpy.context.scene, clear=kit.clear or kit.kind == "glass")
    bpy.context.view_layer.update()


def _pose(root: bpy.types.Object, photograph: Photograph, rng: random.Random) -> float:
    """Turn the product into its pose; gives the camera's elevation in degrees."""
    yaw = math.radians(photograph.yaw)
    if photograph.pose == "flat":
        root.rotation_euler = (-math.pi / 2, 0, yaw)
        return 52 + 0.5 * photograph.elevation
    if photograph.pose == "lying":
        root.rotation_euler = (-math.pi / 2, 0, yaw + rng.choice((-1, 1)) * math.pi / 2.6)
        return photograph.elevation + 14
    root.rotation_euler = (0, 0, yaw)
    return photograph.elevation
