"""Groups that the embeddings form by themselves, without looking at any label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.projection.placement import sample_rows
from core.projection.space import Space

SAMPLE = 20_000
"""Images that the centres are computed from; the rest goes to the nearest centre."""
BLOCK = 65_536
MOST = 24


@dataclass(frozen=True, eq=False)
class Clusters:
    """`codes` (N,) int32, -1 where there is no embedding; cluster 0 has most images. `agreement` is the
    adjusted mutual information with the labels (Vinh, Epps, Bailey 2010): 0 by chance, 1 for the same groups;
    NaN where fewer than two labels are known."""

    codes: npt.NDArray[np.int32]
    count: int
    agreement: float


def clusters(found: Space, labels: npt.NDArray[np.int32], count: int) -> Clusters:
    """k-means with `count` centres (2 to `MOST`) on directions, from one fixed seed.

    `labels` (N,) are codes (-1 = not known) that the clusters are compared with; they do not shape them.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score

    count = max(2, min(count, MOST, len(found)))
    chosen = sample_rows(len(found), SAMPLE, 0)
    centres = KMeans(count, n_init=4, random_state=0).fit(found.unit[chosen]).cluster_centers_
    nearest = np.empty(len(found), dtype=np.int32)
    half = 0.5 * (centres**2).sum(axis=1)
    for start in range(0, len(found), BLOCK):
        some = slice(start, start + BLOCK)
        nearest[some] = (found.unit[some] @ centres.T - half).argmax(axis=1)
    order = np.argsort(-np.bincount(nearest, minlength=count), kind="stable")
    codes = np.full(found.total, -1, dtype=np.int32)
    codes[found.rows] = np.argsort(order)[nearest]
    known = (codes >= 0) & (labels >= 0)
    several = len(np.unique(labels[known])) > 1
    judged = np.flatnonzero(known)[sample_rows(int(known.sum()), SAMPLE, 0)]
    agreement = float(adjusted_mutual_info_score(labels[judged], codes[judged])) if several else float("nan")
    return Clusters(codes, count, agreement)
