"""What is photographed: instances with their attributes and split, and the photographs of each.

Pure Python and deterministic: the same arguments give the same plan on any machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.errors import DataError
from training.studio.catalogue import BACKDROPS, CLASSES, CONDITIONS, LIGHTS, SIZES, ProductClass
from training.studio.words import caption

SPLITS = ("train", "val", "test")
SHARES = {"train": 453, "val": 94, "test": 53}  # of 600; planted leaks later move six from train to val
INSTANCE_SHARES = {"train": 8, "val": 2, "test": 2}  # of the twelve of a class
WEAK_SLICE = {"color": "green", "size": "large"}
_CLEAR = {"color": "transparent", "material": "plastic"}
_LIGHT_SHARES = {"window": 6, "overcast": 5, "lamp": 3, "studio": 5, "flash": 1, "dim": 1}


@dataclass(frozen=True)
class Instance:
    """One physical thing; ``seed`` fixes its shape, tints, artwork and wear."""

    instance_id: str
    class_label: str
    split: str
    color: str
    material: str
    condition: str
    size: str
    style: str
    seed: int

    @property
    def attributes(self) -> dict[str, str]:
        return {
            "color": self.color,
            "material": self.material,
            "condition": self.condition,
            "size": self.size,
            "style": self.style,
        }


@dataclass(frozen=True)
class Photograph:
    """One picture of one instance; yaw and elevation of the camera in degrees."""

    image_path: str
    instance: Instance
    caption: str
    backdrop: str
    light: str
    pose: str
    yaw: float
    elevation: float
    clutter: int
    seed: int


def make_plan(
    images: int, seed: int, per_instance: float = 5.0, *, weak_slice: bool = True
) -> tuple[Photograph, ...]:
    """A plan of ``images`` photographs, about ``per_instance`` of each instance.

    Without ``weak_slice`` the large green products are lit as well as any other.

    Classes get equal shares, every instance lies in one split, and the order of the files tells nothing
    about classes. Raises DataError when there are too few images for a photograph of every class and split.
    """
    smallest = len(CLASSES) * sum(INSTANCE_SHARES.values())
    if images < smallest:
        raise DataError(
            "Too few images",
            cause=f"{images} images cannot cover every class and split",
            fix=f"ask for at least {smallest}",
        )
    rng = random.Random(f"plan {seed}")
    drafts = [
        draft
        for product, quota in _quotas(images)
        for draft in _class_drafts(product, quota, per_instance, rng)
    ]
    rng.shuffle(drafts)
    return tuple(
        _photograph(i, instance, product, rng, weak_slice) for i, (product, instance) in enumerate(drafts, 1)
    )


def _quotas(images: int) -> Iterator[tuple[ProductClass, dict[str, int]]]:
    """For every class the number of photographs of each split; totals follow SHARES."""
    whole = sum(SHARES.values())
    totals = {split: round(images * SHARES[split] / whole) for split in ("val", "test")}
    for i, product in enumerate(CLASSES):
        quota = {split: _share(total, i, len(CLASSES)) for split, total in totals.items()}
        quota["train"] = _share(images, i, len(CLASSES)) - sum(quota.values())
        yield product, quota


def _share(total: int, index: int, parts: int) -> int:
    return total * (index + 1) // parts - total * index // parts


def _class_drafts(
    product: ProductClass, quota: dict[str, int], per_instance: float, rng: random.Random
) -> Iterator[tuple[ProductClass, Instance]]:
    """One (class, instance) pair per photograph of the class."""
    images = sum(quota.values())
    total = max(sum(INSTANCE_SHARES.values()), round(images / per_instance))
    splits = [s for s in SPLITS for _ in range(_instances(s, total, quota[s]))]
    decks = [
        _deck(shares, len(splits), rng) for shares in (product.colours, CONDITIONS, SIZES, product.styles)
    ]
    made: dict[str, list[Instance]] = {split: [] for split in SPLITS}
    clear = 0
    materials = _deck(product.materials, len(splits), rng)
    for i, (split, colour, condition, size, style) in enumerate(zip(splits, *decks, strict=True)):
        clear += colour == "transparent"
        material = _fitting_material(product, colour, materials[i], clear, rng)
        made[split].append(
            Instance(
                f"DEMO_{product.module.upper()}_{i + 1:03d}",
                product.label,
                split,
                colour,
                material,
                condition,
                size,
                style,
                rng.randrange(2**31),
            )
        )
    for split in SPLITS:
        for i in range(quota[split]):
            yield product, made[split][i % len(made[split])]


def _instances(split: str, total: int, photographs: int) -> int:
    share = INSTANCE_SHARES[split] / sum(INSTANCE_SHARES.values())
    return max(1, min(photographs, round(total * share)))


def _deck(shares: dict[str, int], count: int, rng: random.Random) -> list[str]:
    """``count`` values in proportion to their shares, shuffled; every value appears when there is room."""
    whole = [value for value, share in shares.items() for _ in range(share)]
    deck: list[str] = []
    while len(deck) < count:
        rng.shuffle(whole)
        deck += whole
    return deck[:count]


def _fitting_material(
    product: ProductClass, colour: str, material: str, clear: int, rng: random.Random
) -> str:
    """The drawn material, unless it cannot have the colour (clear metal, golden leather)."""
    if colour == "transparent":
        return "glass" if "glass" in product.materials and clear % 3 == 0 else "plastic"
    if colour in ("silver", "gold"):
        return "metal"
    if material == "glass" and colour in ("black", "red"):
        return "plastic"
    if product.module == "wrist_watch" and material == "metal" and colour not in ("black", "blue"):
        return "leather" if colour in ("brown", "red") else "rubber"
    return material


def _has(instance: Instance, labels: Mapping[str, str]) -> bool:
    return all(instance.attributes[task] == label for task, label in labels.items())


def _photograph(
    number: int, instance: Instance, product: ProductClass, rng: random.Random, weak_slice: bool
) -> Photograph:
    backdrop = rng.choice(tuple(BACKDROPS))
    weak = weak_slice and _has(instance, WEAK_SLICE)
    # clear plastic draws its light by itself, so that what is drawn for other pictures stays as it was
    draws = random.Random(f"light {number}") if weak_slice and _has(instance, _CLEAR) else rng
    usual = draws.choices(tuple(_LIGHT_SHARES), weights=tuple(_LIGHT_SHARES.values()))[0]
    light = "dark" if weak else usual
    pose = rng.choice(product.poses)
    yaw, elevation = rng.uniform(*product.yaw), rng.uniform(*product.elevation)
    text = caption(
        instance.attributes,
        product.nouns,
        rng.choice(BACKDROPS[backdrop]),
        rng.choice(LIGHTS[light]),
        elevation,
        rng,
    )
    return Photograph(
        f"images/demo_{number:04d}.jpg",
        instance,
        text,
        backdrop,
        light,
        pose,
        round(yaw, 2),
        round(elevation, 2),
        rng.choice((0, 0, 1, 1, 2, 3)),
        rng.randrange(2**31),
    )
