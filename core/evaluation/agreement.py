"""Where two checkpoints agree and differ, image by image and label by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score

from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import Mask, Outcomes
from core.evaluation.paired import difference

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Row numbers by who is right; `matrix` (L, L) int64 counts predictions of A by predictions of B over
    `labels`.

    `kappa` is Cohen's of the predictions (NaN where undefined); `error_overlap` the share of images that
    either gets wrong which both get wrong (Jaccard, NaN without errors), and `same_error` how many of those
    get the same label.
    """

    labels: tuple[str, ...]
    both: Rows
    only_a: Rows
    only_b: Rows
    neither: Rows
    matrix: npt.NDArray[np.int64]
    kappa: float
    error_overlap: float
    same_error: int


@dataclass(frozen=True)
class LabelDelta:
    """Recall of A minus recall of B on the images of one label."""

    label: str
    difference: Estimate


def agreement(a: Outcomes, b: Outcomes, rows: Mask) -> Agreement:
    """Agreement of two checkpoints' outcomes of one head over the rows (N,) whose truth is known."""
    used = rows & a.scored
    labels = a.labels + tuple(label for label in b.labels if label not in a.labels)
    place = np.array([labels.index(label) for label in b.labels] + [-1])
    one, other = a.prediction, place[b.prediction]
    answered = used & a.answered & b.answered
    matrix = np.bincount(one[answered] * len(labels) + other[answered], minlength=len(labels) ** 2)
    wrong_both = used & ~a.correct & ~b.correct
    either = int((used & (~a.correct | ~b.correct)).sum())
    single = len(np.unique(np.r_[one[answered], other[answered]])) < 2
    return Agreement(
        labels=labels,
        both=np.flatnonzero(used & a.correct & b.correct),
        only_a=np.flatnonzero(used & a.correct & ~b.correct),
        only_b=np.flatnonzero(used & ~a.correct & b.correct),
        neither=np.flatnonzero(wrong_both),
        matrix=matrix.reshape(len(labels), len(labels)).astype(np.int64),
        kappa=float("nan") if single else float(cohen_kappa_score(one[answered], other[answered])),
        error_overlap=int(wrong_both.sum()) / either if either else float("nan"),
        same_error=int((wrong_both & answered & (one == other)).sum()),
    )


def label_deltas(a: Outcomes, b: Outcomes, rows: Mask) -> tuple[LabelDelta, ...]:
    """Per label with support, the paired difference in recall, the largest gap first."""
    used = rows & a.scored
    found = []
    for code in np.unique(a.truth[used]):
        mine = used & (a.truth == code)
        objects = None if a.instances is None else a.instances[mine]
        found.append(LabelDelta(a.labels[code], difference(a.correct[mine], b.correct[mine], objects)))
    return tuple(sorted(found, key=lambda delta: -abs(delta.difference.value)))
