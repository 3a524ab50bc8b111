"""What the studio photographs: for every class its words, materials, colours and range of views."""

from __future__ import annotations

from dataclasses import dataclass

CONDITIONS = {"mint": 2, "new": 3, "used": 4, "worn": 3}
SIZES = {"small": 4, "medium": 4, "large": 4}

_COLOURS = {
    "black": 2,
    "white": 1,
    "gray": 1,
    "red": 1,
    "blue": 2,
    "green": 1,
    "brown": 1,
    "pink": 1,
    "yellow": 1,
    "purple": 1,
}


@dataclass(frozen=True)
class ProductClass:
    """One class: mappings give each value its share of the instances; yaw and elevation in degrees.

    ``fineness`` scales the pattern of wear: small things have small scratches and stains.
    """

    label: str
    module: str
    nouns: tuple[str, ...]
    materials: dict[str, int]
    colours: dict[str, int]
    styles: dict[str, int]
    yaw: tuple[float, float] = (-38.0, 38.0)
    elevation: tuple[float, float] = (10.0, 38.0)
    poses: tuple[str, ...] = ("standing",)
    fineness: float = 1.0


CLASSES: tuple[ProductClass, ...] = (
    ProductClass(
        "clothing_cap",
        "cap",
        ("cap", "baseball cap", "peaked cap"),
        {"fabric": 4, "cotton": 5, "synthetic": 2, "leather": 1},
        _COLOURS | {"multicolor": 1},
        {"casual": 4, "sports": 4, "vintage": 2, "minimalist": 2},
        yaw=(-62, 62),
        elevation=(14, 42),
    ),
    ProductClass(
        "clothing_wrist_watch",
        "wrist_watch",
        ("wrist watch", "wristwatch", "watch"),
        {"metal": 5, "leather": 4, "rubber": 3},
        {"silver": 3, "gold": 2, "black": 3, "brown": 2, "blue": 1, "red": 1, "white": 1, "green": 1},
        {"formal": 4, "sports": 3, "vintage": 2, "minimalist": 2, "modern": 2},
        yaw=(-38, 38),
        elevation=(14, 42),
        poses=("standing", "standing", "flat"),
        fineness=3.0,
    ),
    ProductClass(
        "food_storage_plastic_container",
        "container",
        ("food container", "storage box", "lunch box"),
        {"plastic": 9, "glass": 3},
        {
            "transparent": 4,
            "white": 1,
            "red": 1,
            "blue": 2,
            "green": 2,
            "yellow": 1,
            "pink": 1,
            "purple": 1,
            "gray": 1,
        },
        {"modern": 5, "minimalist": 4, "casual": 3},
        yaw=(-55, 55),
        elevation=(16, 44),
    ),
    ProductClass(
        "footwear_sneakers",
        "sneakers",
        ("sneakers", "pair of sneakers", "trainers"),
        {"leather": 4, "fabric": 4, "synthetic": 4},
        _COLOURS | {"multicolor": 1, "white": 2},
        {"sports": 5, "casual": 4, "vintage": 2, "minimalist": 1},
        yaw=(35, 125),
        elevation=(12, 40),
    ),
    ProductClass(
        "personal_care_deodorant",
        "deodorant",
        ("deodorant", "deodorant stick", "antiperspirant"),
        {"plastic": 7, "metal": 3, "glass": 2},
        {
            "white": 3,
            "black": 1,
            "blue": 2,
            "green": 1,
            "pink": 1,
            "silver": 1,
            "gold": 1,
            "gray": 1,
            "purple": 1,
            "red": 1,
        },
        {"modern": 5, "minimalist": 3, "sports": 4},
        poses=("standing",) * 5 + ("lying",),
        fineness=1.8,
    ),
    ProductClass(
        "personal_care_shampoo_bottle",
        "shampoo_bottle",
        ("shampoo bottle", "bottle of shampoo", "shampoo"),
        {"plastic": 9, "glass": 1, "metal": 2},
        {
            "white": 2,
            "transparent": 2,
            "blue": 1,
            "green": 2,
            "pink": 1,
            "purple": 1,
            "yellow": 1,
            "brown": 1,
            "black": 1,
            "red": 1,
        },
        {"modern": 6, "minimalist": 3, "vintage": 3},
        poses=("standing",) * 6 + ("lying",),
        fineness=1.4,
    ),
    ProductClass(
        "personal_care_soap_bar",
        "soap_bar",
        ("soap bar", "bar of soap", "soap"),
        {"soap": 1},
        {
            "white": 3,
            "green": 2,
            "pink": 2,
            "yellow": 2,
            "brown": 1,
            "purple": 1,
            "blue": 1,
            "multicolor": 1,
            "black": 1,
        },
        {"minimalist": 6, "vintage": 4, "modern": 2},
        yaw=(-70, 70),
        elevation=(20, 50),
        fineness=2.0,
    ),
    ProductClass(
        "tableware_water_bottle",
        "water_bottle",
        ("water bottle", "drinking bottle", "flask"),
        {"plastic": 5, "metal": 5, "glass": 2},
        {
            "transparent": 3,
            "silver": 1,
            "black": 2,
            "blue": 2,
            "green": 1,
            "red": 1,
            "white": 1,
            "pink": 1,
            "purple": 1,
            "gold": 1,
        },
        {"sports": 5, "modern": 4, "minimalist": 3},
        poses=("standing",) * 7 + ("lying",),
        fineness=1.3,
    ),
    ProductClass(
        "travel_backpack",
        "backpack",
        ("backpack", "rucksack", "travel backpack"),
        {"synthetic": 6, "fabric": 3, "leather": 2, "cotton": 1},
        _COLOURS | {"multicolor": 1},
        {"sports": 4, "casual": 4, "vintage": 2, "modern": 2},
    ),
    ProductClass(
        "travel_handbag",
        "handbag",
        ("handbag", "hand bag", "shoulder bag"),
        {"leather": 7, "fabric": 2, "synthetic": 2, "cotton": 1},
        _COLOURS | {"brown": 3, "multicolor": 1},
        {"formal": 4, "casual": 4, "vintage": 3, "modern": 1},
    ),
)

BY_LABEL = {product.label: product for product in CLASSES}

BACKDROPS: dict[str, tuple[str, ...]] = {
    "wood": ("on a wooden table", "on wood"),
    "desk": ("on a white desk", "on a plain table"),
    "floor": ("on a tiled floor", "on the floor"),
    "parquet": ("on a parquet floor", "on the floorboards"),
    "cloth": ("on a cloth", "on a blanket"),
    "carpet": ("on a carpet", "on a rug"),
    "marble": ("on a marble counter", "on a stone counter"),
    "concrete": ("on concrete", "on a concrete ledge"),
    "sweep": ("in front of a plain wall", "against a plain background"),
}
LIGHTS: dict[str, tuple[str, ...]] = {
    "window": ("by a window", "in daylight"),
    "overcast": ("in soft light", ""),
    "lamp": ("in lamp light", "in warm light"),
    "studio": ("", "well lit"),
    "flash": ("with flash", ""),
    "dim": ("in low light", "in a dark room"),
    "dark": ("in low light", "in a dark room"),
}
