"""A terse way to write shader graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import bpy

Socket: TypeAlias = Any  # bpy.types.NodeSocket


class Graph:
    """The node tree of a material or world; values that are sockets are linked, others are set."""

    def __init__(self, owner: bpy.types.Material | bpy.types.World) -> None:
        self.tree = owner.node_tree
        self.tree.nodes.clear()

    def node(self, kind: str, inputs: Mapping[Any, Any] | None = None, **properties: Any) -> bpy.types.Node:
        node = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in properties.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self._feed(node.inputs[key], value)
        return node

    def _feed(self, socket: Socket, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif socket.type == "RGBA" and len(value) == 3:
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Socket:
        return self.node("Math", {0: a, 1: b}, operation=operation).outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Socket:
        """Blend colours a and b."""
        node = self.node("Mix", {0: factor, 6: a, 7: b}, data_type="RGBA", blend_type=blend)
        return node.outputs[2]

    def remap(self, value: Any, low: float, high: float, to_low: float = 0.0, to_high: float = 1.0) -> Socket:
        """Map [low, high] to [to_low, to_high], clamped."""
        return self.node("MapRange", {0: value, 1: low, 2: high, 3: to_low, 4: to_high}).outputs[0]

    def place(
        self,
        kind: str = "Object",
        scale: tuple[float, float, float] = (1, 1, 1),
        shift: float = 0.0,
        turn: float = 0.0,
    ) -> Socket:
        """Texture coordinates, moved by ``shift`` so that two instances get different noise."""
        source = self.node("TexCoord").outputs[kind]
        return self.node(
            "Mapping",
            {
                "Vector": source,
                "Location": (shift, shift * 0.7, shift * 1.3),
                "Rotation": (turn, turn * 0.6, turn),
                "Scale": scale,
            },
        ).outputs[0]

    def noise(
        self, at: Socket, scale: float, detail: float = 2.0, roughness: float = 0.5, distortion: float = 0.0
    ) -> Socket:
        """Perlin noise, about 0.2..0.8."""
        return self.node(
            "TexNoise",
            {
                "Vector": at,
                "Scale": scale,
                "Detail": detail,
                "Roughness": roughness,
                "Distortion": distortion,
            },
        ).outputs[0]
