"""What a projection is asked for: the method and every parameter that changes its result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.errors import SelectionError

Method = Literal["pca", "umap", "tsne"]
Count = Literal[2, 3]
MOST_NEIGHBOURS = 200


@dataclass(frozen=True)
class Parameters:
    """A method and its parameters. Raises SelectionError for values that make no sense.

    `neighbours` (UMAP) and `perplexity` (t-SNE) say how many near images a point listens to; `min_dist`
    (UMAP, in map units, 0 to 1) how tightly points may be packed; `seed` starts the random numbers of both.
    """

    method: Method = "pca"
    dimensions: int = 2
    neighbours: int = 15
    min_dist: float = 0.1
    perplexity: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self.method in get_args(Method), "method", self.method, "pca, umap or tsne")
        _check(self.dimensions in (2, 3), "dimensions", self.dimensions, "2 or 3")
        _check(2 <= self.neighbours <= MOST_NEIGHBOURS, "neighbours", self.neighbours, "2 to 200")
        _check(_within(self.min_dist, 0, 1), "min_dist", self.min_dist, "0 to 1")
        _check(_within(self.perplexity, 2, 200), "perplexity", self.perplexity, "2 to 200")
        _check(0 <= self.seed < 2**31, "seed", self.seed, "0 to 2147483647")

    def used(self) -> dict[str, Any]:
        """The parameters that this method reads, as JSON values: what a cache key is made of."""
        found: dict[str, Any] = {"method": self.method, "dimensions": self.dimensions}
        if self.method == "umap":
            return found | {"neighbours": self.neighbours, "min_dist": self.min_dist, "seed": self.seed}
        if self.method == "tsne":
            return found | {"perplexity": self.perplexity, "seed": self.seed}
        return found

    def text(self) -> str:
        """One line, e.g. "UMAP, 15 neighbours, min. distance 0.1, seed 0"."""
        if self.method == "umap":
            return f"UMAP, {self.neighbours} neighbours, min. distance {self.min_dist:g}, seed {self.seed}"
        if self.method == "tsne":
            return f"t-SNE, perplexity {self.perplexity:g}, seed {self.seed}"
        return "PCA"


def _within(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _check(good: bool, name: str, value: object, wanted: str) -> None:
    if not good:
        raise SelectionError(
            f"A projection cannot have {name} {value!r}", cause=f"It must be {wanted}.", fix="Change it."
        )
