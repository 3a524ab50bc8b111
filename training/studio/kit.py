"""What every product is made with: its own random numbers, colours, materials, and the tag of a mint one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from mathutils import Vector  # type: ignore[import-not-found]

from training.studio import artwork, palette
from training.studio import geometry as g
from training.studio.catalogue import BY_LABEL
from training.studio.geometry import Array, Mesh
from training.studio.materials import Decal, surface
from training.studio.palette import RGB
from training.studio.plan import Instance
from training.studio.scene import place
from training.studio.wear import LEVELS

_SOFT = ("leather", "fabric", "cotton", "synthetic")


@dataclass
class Kit:
    """The builder's tools for one instance; parts hang below ``root``; ``tone`` and ``trim`` are linear."""

    instance: Instance
    root: bpy.types.Object
    pose: str
    rng: random.Random = field(init=False)
    tone: RGB = field(init=False)
    trim: RGB = field(init=False)
    many: list[artwork.RGB8] = field(init=False)
    tag_at: tuple[float, float, float] | None = field(init=False, default=None)
    tag_scale: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"shape {self.instance.seed}")
        tints = random.Random(f"tint {self.instance.seed}")
        self.many = [artwork.bytes_of(c) for c in palette.several(4, tints)]
        named = self.instance.color
        red, green, blue = (c / 255 for c in self.many[0])
        several = named == "multicolor"
        self.tone = palette.linear((red, green, blue)) if several else palette.sample(named, tints)
        if self.kind == "glass" and not self.clear:  # light crosses two walls and more
            self.tone = tuple(c**0.55 for c in self.tone)  # type: ignore[assignment]
        self.trim = palette.accent(named, tints)

    @property
    def style(self) -> str:
        return self.instance.style

    @property
    def clear(self) -> bool:
        return self.instance.color == "transparent"

    @property
    def kind(self) -> str:
        """The finish of the main part."""
        material, colour = self.instance.material, self.instance.color
        if material == "plastic" and self.clear:
            return "clear"
        if material == "metal":
            return "metal" if colour in ("silver", "gold") else "paint"
        return "plastic" if material == "glass" and colour in ("white", "gray") else material

    def ink(self) -> tuple[artwork.RGB8, artwork.RGB8]:
        """(ground, ink) for artwork on the product: the ground stays close to the product's colour."""
        bright = sum(self.tone) / 3 > 0.25 or self.clear
        dark, light = (28, 30, 36), (244, 243, 238)
        tint = tuple(round(255 * c ** (1 / 2.2)) for c in self.tone)
        return (light if self.clear else tint), (dark if bright else light)  # type: ignore[return-value]

    def skin(self, kind: str | None = None, colour: RGB | None = None, **options: Any) -> bpy.types.Material:
        """The main material by default; another kind or colour for a part. Wears with the product."""
        if colour is None and self.instance.color == "multicolor" and "picture" not in options:
            options["picture"] = artwork.pattern(random.Random(f"pattern {self.instance.seed}"), self.many)
        options.setdefault("condition", self.instance.condition)
        options.setdefault("fineness", BY_LABEL[self.instance.class_label].fineness)
        return surface(kind or self.kind, self.tone if colour is None else colour, self.rng, **options)

    def add(self, mesh: Mesh, material: bpy.types.Material, **options: Any) -> bpy.types.Object:
        return place(mesh, material, self.root, **options)

    def battered(self, mesh: Mesh, depth: float = 0.06, count: int = 5) -> Mesh:
        """The mesh with the dents or sags of the instance's condition."""
        dents = LEVELS[self.instance.condition].dents
        soft = 1.5 if self.instance.material in _SOFT else 1.0
        return g.dented(mesh, depth * dents * soft, count, self.rng) if dents else mesh

    def label(
        self,
        words: tuple[str, ...],
        rect: tuple[float, float, float, float],
        size: tuple[int, int] = (256, 320),
    ) -> tuple[Decal, ...]:
        """Printed artwork in the product's style over ``rect`` of the texture space."""
        ground, ink = self.ink()
        if self.style == "modern":
            accent = artwork.bytes_of(
                palette.srgb_sample(self.rng.choice(("red", "blue", "green", "gray")), self.rng)
            )
            ground, ink = ((244, 243, 238), accent) if self.rng.random() < 0.45 else (ground, ink)
        return (Decal(artwork.label(self.rng, self.style, ground, ink, words, size), rect),)

    def tag(self, anchor: tuple[float, float, float], scale: float = 1.0) -> None:
        """Where a mint product's tag is tied to, in the root's coordinates, and how large the tag is."""
        if self.instance.condition == "mint":
            self.tag_at, self.tag_scale = anchor, scale

    def hang_tag(self, points: Array, rng: random.Random) -> None:
        """Stand a mint product's tag before it, towards the camera (-y), so that it shows in every view.

        ``points`` (N, 3) are the product's vertices in the world, which stands on z = 0.
        """
        if self.tag_at is None:
            return
        low, high = points.min(0), points.max(0)
        width, height = 0.34 * self.tag_scale, 0.56 * self.tag_scale
        reach = (high[0] - low[0]) / 2
        middle = (low[0] + high[0]) / 2 + rng.choice((-1, 1)) * rng.uniform(0.25, 0.75) * reach
        foot = np.array([middle, low[1] - 0.12 * self.tag_scale, 0.01])
        turn = g.rotation("z", rng.uniform(-20, 20)) @ g.rotation("x", rng.uniform(-24, -10))
        card = np.array(
            [[(-width / 2, 0, 0), (width / 2, 0, 0)], [(-width / 2, 0, height), (width / 2, 0, height)]]
        )
        paper = surface("paper", (0.9, 0.9, 0.88), self.rng, picture=artwork.price_tag(self.rng))
        place(g.moved(g.sheet(card), foot, turn), paper, smooth=0, name="tag")
        hole = foot + turn @ np.array([0, -0.01, height * 0.93])
        knot = np.array(self.root.matrix_world @ Vector(self.tag_at))
        slack = (hole + knot) / 2 - (0, 0.05 * self.tag_scale, 0.12 * self.tag_scale)
        string = surface("paper", (0.7, 0.66, 0.6), self.rng)
        thick = 0.022 * self.tag_scale
        place(
            g.sweep(g.spline(np.array([hole, slack, knot]), 5), thick, thick, (1, 0, 0)), string, name="tag"
        )
