"""How well labels are separated where it counts: in the original space, never in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.data.taxonomy import MISSING
from core.errors import SelectionError
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion, proportions_by
from core.projection.neighbours import nearest_of
from core.projection.placement import sample_rows
from core.projection.space import Space

NEIGHBOURS = 10
SAMPLE = 4000
"""Images that are judged; neighbours are sought among at most `REFERENCE`."""
REFERENCE = 20_000
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ClassSeparation:
    """One label: `accuracy` of its images' neighbours' vote, `silhouette` in [-1, 1] (mean over its images;
    NaN for a label with one image), `n` images judged."""

    label: str
    accuracy: Estimate
    silhouette: float
    n: int


@dataclass(frozen=True, eq=False)
class Separation:
    """`accuracy`: how often the `neighbours` nearest images vote for the true label, other photographs of the
    same object left out where objects are known (`apart`). `silhouette`: mean over the judged images (cosine
    distance; Rousseeuw 1987), NaN with one label.

    `mixing` (L, L) float64: row = true label, the shares of labels among its images' neighbours; NaN rows
    where a label has no image.
    """

    labels: tuple[str, ...]
    accuracy: Estimate
    silhouette: float
    classes: tuple[ClassSeparation, ...]
    mixing: npt.NDArray[np.float64]
    neighbours: int
    apart: bool

    @cached_property
    def worst(self) -> tuple[ClassSeparation, ...]:
        """Labels by their neighbours' vote, worst first; those without images left out."""
        known = [found for found in self.classes if found.n]
        return tuple(sorted(known, key=lambda found: found.accuracy.value))


def separation(
    found: Space,
    truth: Codes,
    labels: tuple[str, ...],
    instances: npt.NDArray[np.int64] | None = None,
    *,
    rows: npt.NDArray[np.bool_] | None = None,
) -> Separation:
    """Judge `labels` by codes `truth` (N,) (-1 = not known) over the images of `found`.

    `rows` (N,) bool limits which images are judged, not among which neighbours are sought. Raises
    SelectionError where fewer than two labelled images are there.
    """
    known = np.flatnonzero(truth[found.rows] != MISSING)
    wanted = known if rows is None else known[rows[found.rows[known]]]
    if len(known) < 2 or not len(wanted):
        raise SelectionError(
            "There is nothing to separate here",
            cause="Fewer than two images have both an embedding and a known label.",
            fix="Choose another head or widen the filters.",
        )
    judged = wanted[sample_rows(len(wanted), SAMPLE, 0)]
    reference = np.union1d(known[sample_rows(len(known), REFERENCE, 0)], judged)
    codes = truth[found.rows].astype(np.int64)
    objects = None if instances is None else instances[found.rows]
    votes, counted = _votes(found, judged, reference, codes, objects, len(labels))
    return _summary(found, judged, codes, objects, labels, votes, counted)


def _votes(
    found: Space,
    judged: npt.NDArray[np.int64],
    reference: npt.NDArray[np.int64],
    codes: npt.NDArray[np.int64],
    objects: npt.NDArray[np.int64] | None,
    size: int,
) -> tuple[npt.NDArray[np.float64], int]:
    """Votes (Q, L) of the nearest others of another object, nearer ones a little heavier so that ties are
    decided by them; and how many neighbours vote at most."""
    own = np.arange(len(codes)) if objects is None else objects
    photographs = int(np.bincount(np.unique(own[reference], return_inverse=True)[1]).max())
    k = min(NEIGHBOURS + min(photographs, 100), len(reference))
    place, _ = nearest_of(found.unit[reference], found.unit[judged], k)
    near = reference[place]
    allowed = (own[near] != own[judged][:, None]) & (near != judged[:, None])
    allowed &= np.cumsum(allowed, axis=1) <= NEIGHBOURS
    rank = np.cumsum(allowed, axis=1) - 1
    weight = np.where(allowed, 1.0 - 1e-6 * rank, 0.0)
    votes = np.zeros((len(judged), size))
    np.add.at(votes, (np.arange(len(judged))[:, None], codes[near]), weight)
    return votes, int(allowed.sum(axis=1).max(initial=0))


def _summary(
    found: Space,
    judged: npt.NDArray[np.int64],
    codes: npt.NDArray[np.int64],
    objects: npt.NDArray[np.int64] | None,
    labels: tuple[str, ...],
    votes: npt.NDArray[np.float64],
    counted: int,
) -> Separation:
    truth = codes[judged]
    hit = (votes.argmax(axis=1) == truth) & (votes.sum(axis=1) > 0)
    own = None if objects is None else objects[judged]
    silhouettes = _silhouettes(found.unit[judged], truth)
    sizes = np.bincount(truth, minlength=len(labels))
    sums = np.zeros((len(labels), len(labels)))
    np.add.at(sums, truth, np.round(votes))
    total = sums.sum(axis=1, keepdims=True)
    by_label = proportions_by(hit, truth, len(labels), own)
    return Separation(
        labels=labels,
        accuracy=proportion(hit, own),
        silhouette=float(silhouettes.mean()),
        classes=tuple(
            ClassSeparation(label, by_label[code], _mean(silhouettes[truth == code]), int(sizes[code]))
            for code, label in enumerate(labels)
        ),
        mixing=np.divide(sums, total, out=np.full_like(sums, np.nan), where=total > 0),
        neighbours=counted,
        apart=objects is not None,
    )


def _silhouettes(unit: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Silhouettes (Q,) by cosine distance; NaN for labels with one image, and where there is one label."""
    from sklearn.metrics import silhouette_samples

    sizes = np.bincount(truth)
    if not 2 <= np.count_nonzero(sizes) < len(truth):
        return np.full(len(truth), np.nan)
    values = np.asarray(silhouette_samples(unit, truth, metric="cosine"), dtype=np.float64)
    values[sizes[truth] < 2] = np.nan
    return values


def _mean(values: npt.NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")
