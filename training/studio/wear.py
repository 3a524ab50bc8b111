"""Wear as shader layers: what use does to a surface, from none (mint) to plenty (worn)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.studio.shading import Graph, Socket


@dataclass(frozen=True)
class Wear:
    """Strengths, 1 is plenty: scratched lines, dirt in patches, fading towards gray, dents in the form."""

    scratches: float
    dirt: float
    fading: float
    dents: float


LEVELS = {
    "mint": Wear(0.0, 0.0, 0.0, 0.0),
    "new": Wear(0.0, 0.0, 0.0, 0.0),
    "used": Wear(0.80, 0.80, 0.45, 0.4),
    "worn": Wear(1.2, 1.1, 1.0, 1.2),
}

_SOIL, _DUST = (0.055, 0.036, 0.02), (0.44, 0.39, 0.31)


def aged(
    graph: Graph,
    colour: Any,
    roughness: Any,
    wear: Wear,
    shift: float,
    *,
    hard: bool,
    scratch_tint: tuple[float, float, float],
    dark: bool = False,
    fineness: float = 1.0,
) -> tuple[Any, Any, Any]:
    """Colour, roughness and bump height after wear; hard surfaces scratch, soft ones rub off and stain.

    On ``dark`` things dust shows, on others soil. ``fineness`` is how much finer the pattern is than on a
    thing of some decimetres.
    """
    if wear.scratches + wear.dirt == 0:
        return colour, roughness, None
    colour = _faded(graph, colour, wear, shift, fineness)
    mask = (_scratches if hard else _rubbed)(graph, wear, shift, fineness)
    colour = graph.mix(mask, colour, scratch_tint)
    soil = _dirt(graph, wear, shift, fineness)
    colour = graph.mix(soil, colour, _DUST if dark else _SOIL)
    roughness = graph.node("Mix", {0: graph.math("MAXIMUM", soil, mask), 2: roughness, 3: 0.8}).outputs[0]
    height = graph.math("MULTIPLY", mask, -0.6) if hard else None
    return colour, roughness, height


def _faded(graph: Graph, colour: Any, wear: Wear, shift: float, fineness: float) -> Socket:
    patches = graph.noise(graph.place(shift=shift + 5), 1.1 * fineness, 2)
    amount = graph.remap(patches, 0.35, 0.7, wear.fading * 0.3, wear.fading)
    pale = graph.node("HueSaturation", {"Saturation": 0.68, "Value": 1.12, "Color": colour}).outputs[0]
    return graph.mix(amount, colour, pale)


def _scratches(graph: Graph, wear: Wear, shift: float, fineness: float) -> Socket:
    lines = []
    for i, (turn, scale) in enumerate(((0.5, (1.2, 1.2, 9.0)), (2.1, (10.0, 1.4, 1.0)))):
        field = graph.noise(
            graph.place(scale=scale, shift=shift + 3 * i, turn=turn), 2.2 * fineness, 2, 0.6, 0.3
        )
        ridge = graph.math("ABSOLUTE", graph.math("SUBTRACT", field, 0.5))
        lines.append(graph.remap(ridge, 0.0, 0.016 + 0.03 * wear.scratches, 1.0, 0.0))
    where = graph.remap(
        graph.noise(graph.place(shift=shift + 9), 1.6 * fineness, 1), 0.62 - 0.25 * wear.scratches, 0.72, 0, 1
    )
    return graph.math(
        "MULTIPLY", graph.math("MAXIMUM", *lines), graph.math("MULTIPLY", where, 0.45 + 0.5 * wear.scratches)
    )


def _rubbed(graph: Graph, wear: Wear, shift: float, fineness: float) -> Socket:
    field = graph.noise(graph.place(shift=shift + 11), 3.2 * fineness, 4, 0.75)
    return graph.remap(field, 0.66 - 0.13 * wear.scratches, 0.72, 0.0, 0.8 * wear.scratches)


def _dirt(graph: Graph, wear: Wear, shift: float, fineness: float) -> Socket:
    field = graph.noise(graph.place(shift=shift + 17), 2.4 * fineness, 4, 0.7, 0.5)
    blotches = graph.remap(field, 0.65 - 0.15 * wear.dirt, 0.72, 0.0, 0.85 * wear.dirt)
    low = graph.node("SeparateXYZ", {0: graph.place("Generated")}).outputs[2]
    foot = graph.remap(low, 0.0, 0.25, 0.35 * wear.dirt, 0.0)
    return graph.math("MAXIMUM", blotches, graph.math("MULTIPLY", foot, graph.remap(field, 0.4, 0.6)))
