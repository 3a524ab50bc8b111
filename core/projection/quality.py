"""How far a map may be trusted: do neighbours on it belong together, and are neighbours kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.projection.neighbours import nearest_others
from core.projection.placement import sample_rows

Floats = npt.NDArray[np.float32]
NEIGHBOURS = 15
SAMPLE = 2000
"""Images that quality is measured on: trustworthiness costs the square of it."""
REFERENCE = 20_000
"""Images among which neighbours are sought."""
GOOD, FAIR = 0.95, 0.88


@dataclass(frozen=True)
class Quality:
    """Measured on `sample` images with `neighbours` neighbours each.

    `trustworthiness` in [0, 1] (Venna, Kaski 2001): 1 where no image is shown near another that is far from
    it in feature space. `kept` in [0, 1]: the mean share of an image's nearest neighbours (among at most
    `REFERENCE` images) that are still its nearest on the map; `chance` is what a random map would keep.
    `stability` in [0, 1]: the same share between this map and one with another seed, None where that was not
    asked for.
    """

    trustworthiness: float
    kept: float
    chance: float
    neighbours: int
    sample: int
    stability: float | None = None

    def sentence(self) -> str:
        """What a reader may and may not conclude, in plain words."""
        near = (
            "Images that lie together on this map are alike"
            if self.trustworthiness >= GOOD
            else "Most images that lie together on this map are alike, some are not"
            if self.trustworthiness >= FAIR
            else "Images that lie together on this map may have little in common"
        )
        kept = f"{self.kept:.0%} of an image's {self.neighbours} nearest neighbours stay its nearest"
        return f"{near}; {kept}, so look at the neighbours themselves before you conclude anything."

    def to_json(self) -> dict[str, Any]:
        """Every field under its name, and the sentence."""
        return {**self.__dict__, "sentence": self.sentence()}


def measure(unit: Floats, coords: Floats, *, seed: int = 0) -> Quality:
    """The quality of the map `coords` (M, d) of rows `unit` (M, D), on at most `SAMPLE` of them."""
    chosen = sample_rows(len(unit), REFERENCE, seed)
    unit, coords = unit[chosen], coords[chosen]
    rows = sample_rows(len(unit), SAMPLE, seed)
    k = min(NEIGHBOURS, max(1, (len(rows) - 1) // 2))
    return Quality(
        trustworthiness=_trust(unit[rows], coords[rows], k),
        kept=kept_neighbours(unit, coords, k, rows),
        chance=k / max(len(unit) - 1, 1),
        neighbours=k,
        sample=len(rows),
    )


def agreement(first: Floats, second: Floats, k: int, *, seed: int = 0) -> float:
    """How alike two maps (M, d) of the same images are: the share of neighbours kept between them."""
    chosen = sample_rows(len(first), REFERENCE, seed)
    rows = sample_rows(len(chosen), SAMPLE, seed)
    return kept_neighbours(first[chosen], second[chosen], k, rows)


def kept_neighbours(first: Floats, second: Floats, k: int, rows: npt.NDArray[np.int64]) -> float:
    """The mean share in [0, 1] of the `k` nearest others of `rows` in `first` (M, D) that are also among
    their k nearest others in `second` (M, E)."""
    one, two = (nearest_others(table, k, rows=rows)[0] for table in (first, second))
    return float((one[:, :, None] == two[:, None, :]).any(axis=2).mean())


def _trust(unit: Floats, coords: Floats, k: int) -> float:
    """Trustworthiness among the sampled images themselves, by scikit-learn."""
    from sklearn.manifold import trustworthiness

    if k >= len(unit) / 2:  # too few images for the measure to be defined
        return float("nan")
    return float(trustworthiness(unit, coords, n_neighbors=k))
