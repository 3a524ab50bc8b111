"""Captions in natural words."""

from __future__ import annotations

import random
from collections.abc import Mapping

from training.studio.catalogue import BY_LABEL

_COLOURS = {
    "transparent": ("clear", "transparent", "see-through"),
    "multicolor": ("multicoloured", "colourful"),
    "gray": ("gray",),
    "silver": ("silver", "silver-coloured"),
}
_MATERIALS = {
    "fabric": ("fabric", "woven"),
    "cotton": ("cotton", "soft cotton"),
    "synthetic": ("nylon", "synthetic"),
    "rubber": ("rubber",),
    "leather": ("leather",),
    "metal": ("metal", "steel"),
    "glass": ("glass",),
    "plastic": ("plastic",),
    "soap": ("",),
}
_CONDITIONS = {
    "mint": ("mint, with its tag", "in mint condition", "unused, tag still on"),
    "new": ("new", "as new", ""),
    "used": ("used", "with signs of use", ""),
    "worn": ("worn", "scratched and dirty", "well worn"),
}
_STYLES = {
    "sports": "sporty",
    "minimalist": "plain",
    "formal": "elegant",
    "casual": "casual",
    "vintage": "vintage",
    "modern": "modern",
}

NOUNS = {label: product.nouns for label, product in BY_LABEL.items()}


def caption(
    attributes: Mapping[str, str],
    nouns: tuple[str, ...],
    place: str,
    light: str,
    elevation: float,
    rng: random.Random,
) -> str:
    """One line such as "plain blue plastic food container, used, on a wooden table, seen from above"."""
    colour = rng.choice(_COLOURS.get(attributes["color"], (attributes["color"],)))
    thing = [colour, rng.choice(_MATERIALS[attributes["material"]]), rng.choice(nouns)]
    if rng.random() < 0.4:
        thing.insert(0, _STYLES[attributes["style"]])
    if attributes["size"] != "medium" and rng.random() < 0.4:
        thing.insert(0, attributes["size"])
    parts = [
        " ".join(word for word in thing if word),
        rng.choice(_CONDITIONS[attributes["condition"]]),
        place,
    ]
    parts.append(light if rng.random() < 0.6 else "")
    parts.append("seen from above" if elevation > 36 and rng.random() < 0.7 else "")
    return ", ".join(part for part in parts if part)


def reworded(text: str, task: str, old: str, new: str) -> str:
    """The caption as it reads once a label of ``task`` is given as another, so that words and label agree."""
    before, after = (
        (NOUNS.get(old, ()), NOUNS.get(new, ()))
        if task == "class"
        else (_COLOURS.get(old, (old,)), _COLOURS.get(new, (new,)))
    )
    for word in sorted(before, key=len, reverse=True):
        if word in text:
            return text.replace(word, after[0], 1)
    return text
