"""Images that resemble no other: far from their nearest neighbours in the space of the probes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.audit.looks import outliers_of
from core.audit.neighbours import Neighbours

FAR = 3.5
MOST = 50


@dataclass(frozen=True)
class Outlier:
    """Row `row`: mean cosine to its nearest images, `score` how far below the usual (robust z), `flagged`
    from 3.5."""

    row: int
    similarity: float
    score: float
    flagged: bool


def outliers(rows: npt.NDArray[np.int64], found: Neighbours) -> tuple[Outlier, ...]:
    """The `MOST` loneliest images, the loneliest first (k-nearest-neighbour distance, Kuan & Mueller
    2022)."""
    if found.index.shape[1] == 0:
        return ()
    similarity = found.cosine.mean(axis=1)
    score = -outliers_of(similarity)
    order = np.argsort(-score, kind="stable")[:MOST]
    return tuple(
        Outlier(int(rows[k]), float(similarity[k]), float(score[k]), bool(score[k] >= FAR)) for k in order
    )
