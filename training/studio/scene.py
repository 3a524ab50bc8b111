"""Blender's scene: emptied, filled with meshes, set up for quick Cycles renders on the CPU."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np

from training.studio.geometry import Array, Mesh


def fresh(size: int, samples: int, threads: int, seed: int) -> bpy.types.Scene:
    """An empty scene that renders ``size`` x ``size`` pixels with Cycles and OpenImageDenoise."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size
    render.threads_mode, render.threads = "FIXED", threads
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.compression = 0
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_prefilter, cycles.denoising_quality = "NONE", "FAST"
    cycles.use_adaptive_sampling = cycles.use_auto_tile = False
    set_bounces(scene, clear=False)
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.blur_glossy = 3.0, 0.5
    return scene


def set_bounces(scene: bpy.types.Scene, *, clear: bool) -> None:
    """How often light bounces: two suffice for opaque things and halve the time; clear ones need more."""
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = (7, 1, 2) if clear else (2, 1, 2)
    cycles.transmission_bounces, cycles.transparent_max_bounces = 7, 8


def place(
    mesh: Mesh,
    material: bpy.types.Material | None,
    parent: bpy.types.Object | None = None,
    *,
    smooth: float = 40.0,
    subdivide: int = 0,
    thickness: float = 0.0,
    name: str = "part",
) -> bpy.types.Object:
    """Add a mesh to the scene. ``smooth`` is the angle (degrees) over which edges stay sharp."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(mesh.vertices.tolist(), [], mesh.faces)
    layer = data.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", np.asarray(mesh.uvs, dtype=np.float32).ravel())
    data.shade_smooth()
    data.set_sharp_from_angle(angle=math.radians(smooth))
    if material is not None:
        data.materials.append(material)
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    item.parent = parent
    if subdivide:
        modifier = item.modifiers.new("subdivide", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivide
    if thickness:
        modifier = item.modifiers.new("thickness", "SOLIDIFY")
        modifier.thickness, modifier.offset = thickness, 0.0
    return item


def group(name: str) -> bpy.types.Object:
    """An empty that carries parts."""
    empty = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(empty)
    return empty


def corners(root: bpy.types.Object) -> Array:
    """World positions (N, 3) of all mesh vertices below ``root``, before modifiers."""
    bpy.context.view_layer.update()
    clouds = []
    for child in root.children_recursive:
        if child.type == "MESH":
            points = np.empty(len(child.data.vertices) * 3)
            child.data.vertices.foreach_get("co", points)
            matrix = np.array(child.matrix_world)
            clouds.append(points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
    return np.vstack(clouds)


def settle(root: bpy.types.Object) -> Array:
    """Lower or lift ``root`` until it stands on z = 0, centred over the origin; gives its vertices (N, 3)."""
    points = corners(root)
    middle = (points.min(0) + points.max(0)) / 2
    shift = np.array([-middle[0], -middle[1], -points[:, 2].min()])
    root.location = np.array(root.location) + shift
    settled: Array = points + shift
    return settled


def photograph(path: Path) -> None:
    """Render the scene to a PNG file."""
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
