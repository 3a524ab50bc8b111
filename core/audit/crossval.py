"""Out-of-sample probabilities of one head from cached features: every row is judged by a probe that did not
see it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedGroupKFold, StratifiedKFold

from core.progress import Progress, silent

FOLDS = 5
LARGEST = 8_000
"""Rows that one probe is fitted on at most: beyond, more rows cost time and change nothing."""
STRENGTH = 0.03
"""Inverse regularisation of the logistic probe, on features of mean square 1."""
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


def out_of_sample(
    table: Floats,
    codes: Codes,
    labels: int,
    groups: npt.NDArray[np.int64] | None = None,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Floats:
    """Probabilities (M, `labels`) float32 by cross-validated logistic regression on `table` (M, d).

    Rows with code -1 teach nothing but are judged (by the first fold's probe). With `groups` (M,), rows of
    one group are judged by a probe that saw none of them. A label that a fold does not see has probability 0
    there. Where fewer than two labels occur, everything is certain of the one there is.
    """
    known = np.flatnonzero(codes >= 0)
    found = np.zeros((len(codes), labels), dtype=np.float32)
    seen = np.unique(codes[known])
    if len(seen) < 2 or len(known) < 2 * FOLDS:
        found[:, seen if len(seen) else slice(None)] = 1 / max(len(seen), 1)
        return found
    judged = np.zeros(len(codes), dtype=bool)
    for fold, (fit, test) in enumerate(_folds(codes[known], None if groups is None else groups[known], seed)):
        progress(fold, FOLDS, "judging labels")
        some = known[fit]
        inside = known[test]
        if fold == 0:
            inside = np.r_[inside, np.flatnonzero(codes < 0)]
        found[inside] = _judge(table, codes, some, inside, labels, seed)
        judged[inside] = True
    return found


def _folds(
    codes: Codes, groups: npt.NDArray[np.int64] | None, seed: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    dummy = np.zeros(len(codes))
    rare = np.bincount(codes)[np.unique(codes)].min() < FOLDS
    if groups is not None and len(np.unique(groups)) >= FOLDS:
        merged = _merge_rare(codes)
        yield from StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(dummy, merged, groups)
    elif rare:
        yield from KFold(FOLDS, shuffle=True, random_state=seed).split(dummy)
    else:
        yield from StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(dummy, codes)


def _merge_rare(codes: Codes) -> Codes:
    """Labels with fewer images than folds count as one for stratifying."""
    rare = np.bincount(codes)[codes] < FOLDS
    return np.asarray(np.where(rare, -1, codes), dtype=np.int32)


def _judge(
    table: Floats,
    codes: Codes,
    fit: npt.NDArray[np.int64],
    judge: npt.NDArray[np.int64],
    labels: int,
    seed: int,
) -> Floats:
    some = np.random.default_rng(seed).permutation(fit)[:LARGEST]
    found = np.zeros((len(judge), labels), dtype=np.float32)
    present = np.unique(codes[some])
    if len(present) < 2:
        found[:, present] = 1.0
        return found
    probe = LogisticRegression(C=STRENGTH, max_iter=300, tol=1e-3).fit(table[some], codes[some])
    found[:, probe.classes_] = probe.predict_proba(table[judge])
    return found
