"""Ready-made choices of a map, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from core.projection.parameters import Parameters


@dataclass(frozen=True)
class Preset:
    """A choice for people who do not want to think about parameters: a name and what it is good for."""

    name: str
    help: str
    parameters: Parameters


PRESETS: dict[str, Preset] = {
    "pca": Preset(
        "Straight (PCA)",
        "The directions in which the embeddings vary most, nothing bent. Distances mean what they say, but "
        "classes that differ in other directions lie on top of each other. At once.",
        Parameters("pca"),
    ),
    "balanced": Preset(
        "Balanced (UMAP)",
        "Keeps each image near its 15 most similar ones. Groups are meaningful; the distance between two "
        "groups and their sizes are not.",
        Parameters("umap", neighbours=15, min_dist=0.1),
    ),
    "local": Preset(
        "Fine detail (UMAP)",
        "Listens to 5 neighbours and packs tightly: near-duplicates and photographs of one object become "
        "knots. May tear one class into pieces.",
        Parameters("umap", neighbours=5, min_dist=0.0),
    ),
    "global": Preset(
        "Big picture (UMAP)",
        "Listens to 50 neighbours and packs loosely: how groups lie to each other is kept better, small "
        "groups melt into larger ones.",
        Parameters("umap", neighbours=50, min_dist=0.4),
    ),
    "tsne": Preset(
        "Neighbourhoods (t-SNE)",
        "Keeps nearest neighbours best on some thousand images. Sizes of groups and the gaps between them "
        "mean nothing.",
        Parameters("tsne"),
    ),
}
"""Presets by the name that a link carries."""
