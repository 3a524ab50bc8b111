"""Which of several checkpoints nothing else beats in both worth and cost."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def pareto_front(cost: npt.ArrayLike, worth: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which of N points (N,) bool no other dominates: none costs at most as much and is worth at least as
    much, and is better in one of the two. NaN on either side is on no front and dominates nothing.
    """
    costs, worths = np.asarray(cost, dtype=float), np.asarray(worth, dtype=float)
    cheaper, better = costs[:, None] <= costs, worths[:, None] >= worths  # (other, point)
    strictly = (costs[:, None] < costs) | (worths[:, None] > worths)
    known = np.isfinite(costs) & np.isfinite(worths)
    return np.asarray(known & ~(cheaper & better & strictly).any(axis=0))
