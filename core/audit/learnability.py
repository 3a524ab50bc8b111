"""Can a head be learnt from these images and labels at all? Probes against the majority and against shuffled
labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.audit.features import Features
from core.audit.neighbours import neighbours
from core.audit.permutation import permutation_p
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion
from core.evaluation.outcomes import Mask, Outcomes
from core.evaluation.paired import difference

Verdict = Literal["learnable", "weak", "not learnable"]
K = 10
LARGEST = 3000
"""Rows of the neighbour probe and of the shuffles at most: more would not change the verdict."""
SKILL = 0.5
"""Share of the way from the commonest label to perfection that must be gone for "learnable"."""
ALPHA = 0.05
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trained:
    """What a head that was trained on the train split can do on rows that had no say in its training:
    `accuracy`, that of always answering the commonest label of the train split on the same rows (`constant`),
    and the paired `gain`, whose interval knows objects."""

    accuracy: Estimate
    constant: float
    gain: Estimate

    @property
    def skill(self) -> float:
        """Share of the way from the constant answer to perfection."""
        return _skill(self.accuracy.value, self.constant)


@dataclass(frozen=True)
class Learnability:
    """One head, judged on images of objects that the probe has not seen.

    `accuracy` of a cross-validated linear probe, `knn` of the K nearest images of other objects, `majority`
    of always naming the commonest label, `model` of a trained head (None without one); `permutation_p` is how
    often a probe does as well on shuffled labels. `skill` is the largest share of the way from the commonest
    label to perfection that any of them goes. The verdict is "not learnable" unless the probes are surely
    above the majority and shuffled labels do not do as well, or the trained head surely gains on the
    commonest label; then it is "learnable" from a skill of `SKILL` on, else "weak".
    """

    task: str
    accuracy: Estimate
    knn: Estimate
    model: Trained | None
    majority: float
    permutation_p: float
    skill: float
    verdict: Verdict
    labels: int

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        probe = max(self.accuracy.value, self.knn.value)
        seen = f"on unseen objects {probe:.0%} are right, naming the commonest label {self.majority:.0%}"
        if self.model is not None and self.model.skill > _skill(probe, self.majority):
            seen = (
                f"a trained head has {self.model.accuracy.value:.0%} of unseen images right, naming the "
                f"commonest label {self.model.constant:.0%}"
            )
        reason = {
            "learnable": "the labels follow the pixels",
            "weak": "the labels follow the pixels a little",
            "not learnable": "the labels do not follow the pixels",
        }[self.verdict]
        return f"{self.task}: {self.verdict}; {seen}, so {reason}."

    def to_json(self) -> dict[str, Any]:
        """Keys verdict, accuracy, majority, permutation_p, knn, and what they rest on."""
        return {
            "verdict": self.verdict,
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
            "n": self.accuracy.n,
            "instances": self.accuracy.instances,
            "majority": self.majority,
            "permutation_p": self.permutation_p,
            "knn": self.knn.value,
            "model": None if self.model is None else self.model.accuracy.value,
            "model_gain": None if self.model is None else self.model.gain.to_json(),
            "skill": self.skill,
            "sentence": self.sentence,
        }


def learnability(
    task: str,
    features: Features,
    codes: Codes,
    probabilities: npt.NDArray[np.float32],
    objects: npt.NDArray[np.int64] | None,
    model: Trained | None = None,
) -> Learnability | None:
    """The verdict on one head from out-of-sample `probabilities` (M, L) by object; None where there are fewer
    than two labels or 20 labelled images. `codes` (M,) with -1 for missing, `objects` (M,) or None."""
    known = np.flatnonzero(codes >= 0)
    counts = np.bincount(codes[known], minlength=probabilities.shape[1])
    if len(known) < 2 * K or (counts > 0).sum() < 2:
        return None
    right = probabilities[known].argmax(axis=1) == codes[known]
    accuracy = proportion(right, None if objects is None else objects[known])
    some = np.sort(np.random.default_rng(0).permutation(known)[:LARGEST])
    group = np.arange(len(some)) if objects is None else np.unique(objects[some], return_inverse=True)[1]
    knn = _neighbour_probe(features, codes, some, group, objects is not None)
    p = permutation_p(features.reduced[some], codes[some], group)
    majority = float(counts.max() / len(known))
    best = max(accuracy, knn, key=lambda probe: probe.value)
    skill = _skill(best.value, majority)
    follows = best.low > majority and p <= ALPHA
    if model is not None and model.gain.low > 0:
        skill, follows = max(skill, model.skill), True
    verdict: Verdict = "not learnable" if not follows else "learnable" if skill >= SKILL else "weak"
    return Learnability(task, accuracy, knn, model, majority, p, skill, verdict, int((counts > 0).sum()))


def trained(outcomes: Outcomes, fitted: Mask, unseen: Mask) -> Trained | None:
    """The evidence of a trained head: `fitted` (N,) are the rows it learnt from, `unseen` (N,) those that had
    no say. None where either has no label."""
    learnt, judged = outcomes.truth[fitted & outcomes.scored], unseen & outcomes.scored
    if not len(learnt) or not judged.any():
        return None
    commonest = int(np.bincount(learnt).argmax())
    right, fixed = outcomes.correct[judged], outcomes.truth[judged] == commonest
    objects = None if outcomes.instances is None else outcomes.instances[judged]
    return Trained(proportion(right, objects), float(fixed.mean()), difference(right, fixed, objects))


def _skill(value: float, baseline: float) -> float:
    return (value - baseline) / (1 - baseline) if baseline < 1 else 0.0


def _neighbour_probe(
    features: Features,
    codes: Codes,
    some: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    clustered: bool,
) -> Estimate:
    """Accuracy of the commonest label among the K nearest images of other groups."""
    part = Features(features.rows[some], features.unit[some], features.reduced[some])
    own = codes[some]
    right = _vote(neighbours(part, K, group).index, own, int(own.max()) + 1) == own
    return proportion(right, group if clustered else None)


def _vote(index: npt.NDArray[np.int64], codes: Codes, size: int) -> Codes:
    """The commonest label among each row's neighbours; of equally common ones the nearest's counts."""
    n, k = index.shape
    weight = np.linspace(1.0, 0.999, k)  # nearer ones break ties
    flat = np.arange(n)[:, None] * size + codes[index]
    votes = np.bincount(flat.ravel(), np.tile(weight, n), n * size).reshape(n, size)
    return np.asarray(votes.argmax(axis=1), dtype=np.int32)
