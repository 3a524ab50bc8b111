"""Do labels follow features more than shuffled labels would? A ridge probe, refitted on shuffled labels in
one product.

The prediction of a ridge regression is linear in its targets: for a fold, scores = H Y with H = X_test (X'X +
c I)^-1 X', and one-hot targets Y. H is computed once; every shuffle only changes Y.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from sklearn.model_selection import GroupKFold

FOLDS = 5
SHUFFLES = 499
RIDGE = 10.0
"""Penalty on features of mean square 1."""
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


def permutation_p(
    table: npt.NDArray[np.float32], codes: Codes, groups: npt.NDArray[np.int64], shuffles: int = SHUFFLES
) -> float:
    """How often labels dealt anew to whole groups are predicted as well as the true ones: (1 + k) / (1 +
    shuffles).

    `table` (M, d), `codes` (M,) >= 0, `groups` (M,): a probe never sees the group that it judges. 1.0 where
    there are too few groups to divide.
    """
    if len(np.unique(groups)) < FOLDS:
        return 1.0
    folds = [
        (fit, test, _hat(table[fit].astype(np.float64), table[test].astype(np.float64)))
        for fit, test in GroupKFold(FOLDS, shuffle=True, random_state=0).split(table, codes, groups)
    ]
    size = int(codes.max()) + 1
    random = np.random.default_rng(0)
    true = _hits(codes, folds, size)
    as_good = sum(_hits(shuffle(codes, groups, random), folds, size) >= true for _ in range(shuffles))
    return (1 + as_good) / (1 + shuffles)


def _hat(fit: Floats, test: Floats) -> Floats:
    middle = fit.mean(axis=0)
    fit, test = fit - middle, test - middle
    inner = fit.T @ fit + RIDGE * np.eye(fit.shape[1])
    return np.asarray(test @ cho_solve(cho_factor(inner), fit.T))


def _hits(
    codes: Codes, folds: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]], size: int
) -> int:
    hits = 0
    for fit, test, hat in folds:
        target = np.eye(size)[codes[fit]]
        share = target.mean(axis=0)
        hits += int(((hat @ (target - share) + share).argmax(axis=1) == codes[test]).sum())
    return hits


def shuffle(codes: Codes, group: npt.NDArray[np.int64], random: np.random.Generator) -> Codes:
    """Labels dealt anew to whole groups, so that what photographs of one object share stays shared.

    A group takes the labels of another one, repeated or cut to its own number of images.
    """
    order = np.argsort(group, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(group[order])) + 1]
    sizes = np.diff(np.r_[starts, len(order)])
    donor = random.permutation(len(starts))
    within = np.arange(len(order)) - np.repeat(starts, sizes)
    taken = np.repeat(starts[donor], sizes) + within % np.repeat(sizes[donor], sizes)
    found = np.empty_like(codes)
    found[order] = codes[order][taken]
    return found
