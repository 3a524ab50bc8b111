"""Labels that are probably wrong: confident learning on out-of-sample probabilities (Northcutt et al.
2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.synonyms import near_synonyms

MOST = 60
"""How many images the queue of a head holds at least, where there are so many."""
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LabelIssue:
    """Row `row` is labelled `given`; its image rather says `suggested`. `score` in [0, 1] is cleanlab's label
    quality (0 = surely wrong); `flagged` whether confident learning takes the label for wrong."""

    row: int
    given: str
    suggested: str
    score: float
    flagged: bool


def label_issues(
    rows: npt.NDArray[np.int64], codes: Codes, labels: tuple[str, ...], probabilities: Floats
) -> tuple[LabelIssue, ...]:
    """The queue of one head, the worst first: every flagged label, and at least the `MOST` lowest scores.

    `rows`, `codes` (M,) and out-of-sample `probabilities` (M, L) go together. Labels that are two spellings
    of one (see core.data.synonyms) count as one: which spelling was chosen is not the image's to say.
    """
    from cleanlab.filter import find_label_issues  # seconds to import
    from cleanlab.rank import get_label_quality_scores

    merged, table = _merge(codes, labels, probabilities)
    known = merged >= 0
    seen, compact = np.unique(merged[known], return_inverse=True)
    if len(seen) < 2:
        return ()
    chance = table[np.ix_(known, seen)].astype(np.float64)
    chance /= np.maximum(chance.sum(axis=1, keepdims=True), 1e-12)
    chance = np.where(chance.sum(axis=1, keepdims=True) > 0, chance, 1 / len(seen))
    quality = get_label_quality_scores(compact, chance, method="self_confidence")
    flagged = find_label_issues(compact, chance, filter_by="both", n_jobs=1)
    order = np.argsort(quality, kind="stable")
    last = max(MOST, int(np.flatnonzero(flagged[order]).max(initial=-1)) + 1)
    where, best = rows[known], seen[chance.argmax(axis=1)]
    disagree = chance.argmax(axis=1) != compact
    return tuple(
        LabelIssue(
            int(where[k]), labels[codes[known][k]], labels[best[k]], float(quality[k]), bool(flagged[k])
        )
        for k in order[:last]
        if disagree[k]
    )


def _merge(codes: Codes, labels: tuple[str, ...], probabilities: Floats) -> tuple[Codes, Floats]:
    """Codes and probabilities with near-synonyms joined under the more frequent spelling."""
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    target = np.arange(len(labels))
    for one, other in near_synonyms(labels):
        a, b = labels.index(one), labels.index(other)
        keep, drop = (a, b) if counts[a] >= counts[b] else (b, a)
        target[target == target[drop]] = target[keep]
    table = np.zeros_like(probabilities)
    for code, joined in enumerate(target):
        table[:, joined] += probabilities[:, code]
    merged = np.where(codes >= 0, target[np.maximum(codes, 0)], -1).astype(np.int32)
    return merged, table
