"""The sign-flip test: under the null a paired difference may as well have the other sign."""

from __future__ import annotations

import numpy as np
from scipy.stats import permutation_test

from core.evaluation.bootstrap import Floats

FLIPS = 9999
MANY = 300
"""From so many differences on, callers use a normal limit instead."""


def sign_flip(differences: Floats) -> float:
    """Two-sided p-value that paired `differences` (Q,), none of them 0, add up to 0 by chance: exact up to
    13, by 9,999 random flips beyond. 1.0 for fewer than two."""
    if len(differences) < 2:
        return 1.0

    def total(x: Floats, y: Floats, axis: int) -> Floats:
        return np.asarray((x - y).sum(axis=axis))

    test = permutation_test(
        (differences, np.zeros(len(differences))),
        total,
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        rng=0,
    )
    return float(min(test.pvalue, 1.0))
