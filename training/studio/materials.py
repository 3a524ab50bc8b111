"""Materials that look like themselves: a finish (how light meets it) under wear and artwork."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from PIL import Image

from training.studio.palette import RGB
from training.studio.shading import Graph, Socket
from training.studio.wear import LEVELS, Wear, aged


@dataclass(frozen=True)
class Finish:
    """Principled parameters of a material kind; ``pattern`` names its relief, ``hard`` how it wears."""

    roughness: float
    metallic: float = 0.0
    transmission: float = 0.0
    ior: float = 1.46
    coat: float = 0.0
    sheen: float = 0.0
    subsurface: float = 0.0
    pattern: str = "none"
    relief: float = 0.0
    hard: bool = True


FINISHES: dict[str, Finish] = {
    "plastic": Finish(0.30, coat=0.15),
    "matte": Finish(0.62),
    "metal": Finish(0.24, metallic=1.0, pattern="brushed", relief=0.06),
    "chrome": Finish(0.10, metallic=1.0),
    "paint": Finish(0.26, metallic=0.55, coat=0.5),
    "glass": Finish(0.02, transmission=1.0, ior=1.45),
    "clear": Finish(0.10, transmission=1.0, ior=1.30),
    "rubber": Finish(0.72, pattern="pores", relief=0.15),
    "leather": Finish(0.38, coat=0.25, pattern="grain", relief=0.55, hard=False),
    "fabric": Finish(0.92, sheen=0.35, pattern="weave", relief=0.8, hard=False),
    "cotton": Finish(0.97, sheen=0.5, pattern="wrinkle", relief=0.35, hard=False),
    "synthetic": Finish(0.40, sheen=0.15, pattern="ripstop", relief=0.45, hard=False),
    "soap": Finish(0.42, subsurface=0.25, coat=0.2, pattern="wrinkle", relief=0.08),
    "paper": Finish(0.55),
    "foam": Finish(0.75, pattern="pores", relief=0.2),
}


@dataclass(frozen=True)
class Decal:
    """Artwork printed on a surface: an RGBA picture over the rectangle u0, v0, u1, v1 of its texture."""

    picture: Image.Image
    rect: tuple[float, float, float, float]
    roughness: float = 0.4


def surface(
    kind: str,
    colour: RGB,
    rng: random.Random,
    *,
    condition: str = "new",
    decals: tuple[Decal, ...] = (),
    picture: Image.Image | None = None,
    tint: Callable[[Graph], Socket] | None = None,
    wear: Wear | None = None,
    fineness: float = 1.0,
) -> bpy.types.Material:
    """A material of a kind and linear colour; ``picture`` or ``tint`` take the plain colour's place."""
    finish = FINISHES[kind]
    material = bpy.data.materials.new(kind)
    with_nodes(material)
    graph = Graph(material)
    shift = rng.uniform(0, 100)
    base: Any = colour
    if tint is not None:
        base = tint(graph)
    elif picture is not None:
        base = _pixels(graph, picture, (0, 0, 1, 1)).outputs["Color"]
    base, height = _relief(graph, finish, base, shift)
    roughness: Any = finish.roughness
    base, roughness, metallic = _printed(graph, decals, base, roughness, finish.metallic)
    level = LEVELS[condition] if wear is None else wear
    base, roughness, mark = aged(
        graph,
        base,
        roughness,
        level,
        shift,
        hard=finish.hard,
        scratch_tint=_scratch_tint(finish, colour),
        dark=_luminance(colour) < 0.12,
        fineness=fineness,
    )
    _finish_shader(graph, finish, base, roughness, metallic, _bump(graph, finish, height, mark))
    return material


def with_nodes(owner: bpy.types.Material | bpy.types.World) -> None:
    """Give a material or world its node tree (older Blenders have none until asked)."""
    if owner.node_tree is None:
        owner.use_nodes = True


def _luminance(colour: RGB) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def _scratch_tint(finish: Finish, colour: RGB) -> RGB:
    luminance = _luminance(colour)
    if finish.metallic == 1.0:
        return (0.12, 0.12, 0.12)
    if not finish.hard:  # rubbed cloth and leather go paler, not white
        r, g, b = (min(0.6 * c + 0.18 + 0.5 * luminance, 0.9) for c in colour)
        return r, g, b
    return (0.10, 0.09, 0.08) if luminance > 0.45 else (0.62, 0.60, 0.56)


def _relief(graph: Graph, finish: Finish, base: Any, shift: float) -> tuple[Any, Socket | None]:
    """Colour modulated by the material's texture, and the height that its bump follows."""
    if finish.pattern == "none":
        return base, None
    if finish.pattern == "grain":
        at = graph.place(shift=shift)
        cells = graph.node("TexVoronoi", {"Vector": at, "Scale": 16.0}, feature="DISTANCE_TO_EDGE").outputs[0]
        height = graph.remap(cells, 0.0, 0.22)
        mottled = graph.remap(graph.noise(at, 2.0, 2), 0.3, 0.7, 0.0, 0.35)
        return graph.mix(mottled, base, (0.02, 0.015, 0.01), "MULTIPLY"), height
    if finish.pattern == "weave":
        height = _threads(graph, shift, 7.0)
        heather = graph.noise(graph.place(scale=(1, 1, 4), shift=shift), 12.0, 2)
        shade = graph.math(
            "MULTIPLY", graph.remap(height, 0.1, 0.9, 0.62, 1.12), graph.remap(heather, 0.3, 0.7, 0.8, 1.2)
        )
        return _scaled(graph, base, shade), height
    if finish.pattern == "ripstop":
        height = graph.math("MAXIMUM", *(_ridge(graph, axis, 3.4, shift) for axis in "XZ"))
        creases = graph.noise(graph.place(shift=shift), 1.5, 3, 0.6, 0.8)
        return _scaled(graph, base, graph.remap(height, 0.5, 1.0, 1.0, 0.72)), graph.math(
            "ADD", height, creases
        )
    if finish.pattern == "wrinkle":
        return base, graph.noise(graph.place(shift=shift), 1.7, 3, 0.6, 1.0)
    if finish.pattern == "brushed":
        return base, graph.noise(graph.place(scale=(1, 1, 60), shift=shift), 3.0, 2)
    return base, graph.noise(graph.place(shift=shift), 24.0, 2)


def _threads(graph: Graph, shift: float, scale: float) -> Socket:
    waves = [
        graph.node(
            "TexWave",
            {"Vector": graph.place(shift=shift), "Scale": scale, "Distortion": 0.6},
            bands_direction=axis,
        ).outputs[1]
        for axis in "XZ"
    ]
    return graph.math("MULTIPLY", graph.math("ADD", *waves), 0.5)


def _ridge(graph: Graph, axis: str, scale: float, shift: float) -> Socket:
    wave = graph.node(
        "TexWave",
        {"Vector": graph.place(shift=shift), "Scale": scale, "Distortion": 0.15},
        bands_direction=axis,
    ).outputs[1]
    return graph.remap(wave, 0.9, 1.0)


def _scaled(graph: Graph, base: Any, shade: Socket) -> Socket:
    grey = graph.node("CombineColor", {0: shade, 1: shade, 2: shade}).outputs[0]
    return graph.mix(1.0, base, grey, "MULTIPLY")


def _pixels(graph: Graph, picture: Image.Image, rect: tuple[float, float, float, float]) -> bpy.types.Node:
    """An image node that shows ``picture`` over ``rect`` of the texture space, clear outside."""
    pixels = np.asarray(picture.convert("RGBA"), dtype=np.float32)[::-1] / 255.0
    image = bpy.data.images.new("artwork", picture.width, picture.height, alpha=True)
    image.pixels.foreach_set(pixels.ravel())
    image.update()
    u0, v0, u1, v1 = rect
    uv = graph.node("TexCoord").outputs["UV"]
    scale = (1 / (u1 - u0), 1 / (v1 - v0), 1)
    at = graph.node(
        "Mapping", {"Vector": uv, "Location": (-u0 * scale[0], -v0 * scale[1], 0), "Scale": scale}
    )
    return graph.node("TexImage", {"Vector": at.outputs[0]}, image=image, extension="CLIP")


def _printed(
    graph: Graph, decals: tuple[Decal, ...], base: Any, roughness: Any, metallic: Any
) -> tuple[Any, Any, Any]:
    for decal in decals:
        node = _pixels(graph, decal.picture, decal.rect)
        alpha = node.outputs["Alpha"]
        base = graph.mix(alpha, base, node.outputs["Color"])
        roughness = graph.node("Mix", {0: alpha, 2: roughness, 3: decal.roughness}).outputs[0]
        if not isinstance(metallic, float) or metallic > 0:
            metallic = graph.node("Mix", {0: alpha, 2: metallic, 3: 0.0}).outputs[0]
    return base, roughness, metallic


def _bump(graph: Graph, finish: Finish, height: Socket | None, mark: Any) -> Socket | None:
    if height is None and mark is None:
        return None
    total = mark if height is None else graph.math("MULTIPLY", height, finish.relief)
    if height is not None and mark is not None:
        total = graph.math("ADD", total, mark)
    return graph.node("Bump", {"Strength": 0.75, "Distance": 0.02, "Height": total}).outputs[0]


def _finish_shader(
    graph: Graph, finish: Finish, base: Any, roughness: Any, metallic: Any, normal: Socket | None
) -> None:
    inputs = {
        "Base Color": base,
        "Roughness": roughness,
        "Metallic": metallic,
        "IOR": finish.ior,
        "Transmission Weight": finish.transmission,
        "Coat Weight": finish.coat,
        "Coat Roughness": 0.15,
        "Sheen Weight": finish.sheen,
        "Subsurface Weight": finish.subsurface,
        "Subsurface Scale": 0.05,
    }
    if normal is not None:
        inputs["Normal"] = normal
    shader = graph.node("BsdfPrincipled", inputs).outputs[0]
    if finish.transmission:  # light passes to what lies inside and behind, as caustics are off
        veil = graph.node("BsdfTransparent", {"Color": (0.88, 0.9, 0.9)}).outputs[0]
        shadow = graph.node("LightPath").outputs["Is Shadow Ray"]
        shader = graph.node("MixShader", {0: shadow, 1: shader, 2: veil}).outputs[0]
    graph.node("OutputMaterial", {"Surface": shader})
