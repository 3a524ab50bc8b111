"""Ensembles: the weighted average of several checkpoints' probabilities, evaluated like a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from core.data.dataset import Dataset
from core.data.taxonomy import Taxonomy
from core.errors import SelectionError
from core.evaluation.calibration import calibration
from core.evaluation.comparison import Comparison, compare
from core.evaluation.composite import log_loss
from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import SMALLEST, Floats, HasProbabilities, Mask, outcomes
from core.evaluation.report import Scores, scores
from core.evaluation.tally import tally

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members that share a taxonomy; `weights` maps a task to (M,) weights that add up to 1 (equal where not
    named).

    It satisfies `HasProbabilities`: a row is present where every member has a prediction.
    """

    members: tuple[HasProbabilities, ...]
    weights: Mapping[str, Weights]

    def __post_init__(self) -> None:
        if not self.members or any(m.taxonomy != self.members[0].taxonomy for m in self.members):
            raise SelectionError(
                "These checkpoints make no ensemble",
                cause="Their heads or labels differ." if self.members else "There are none.",
                fix="Choose checkpoints that were trained on the same tasks and labels.",
            )

    @property
    def taxonomy(self) -> Taxonomy:
        """The members' common taxonomy."""
        return self.members[0].taxonomy

    @property
    def present(self) -> Mask:
        """Rows (N,) that every member predicts."""
        return np.asarray(np.logical_and.reduce([member.present for member in self.members]))

    def probabilities(self, task: str) -> Floats:
        """Weighted mean of the members' probabilities (N, L) float32, NaN where any is absent."""
        weights = self.weights.get(task, np.full(len(self.members), 1 / len(self.members)))
        total = sum(w * member.probabilities(task) for w, member in zip(weights, self.members, strict=True))
        return np.asarray(total, dtype=np.float32)


def ensemble(members: Sequence[HasProbabilities], weights: Mapping[str, Weights] | None = None) -> Ensemble:
    """The ensemble of `members`, equally weighted by default. Raises SelectionError where taxonomies
    differ."""
    return Ensemble(tuple(members), dict(weights or {}))


def fit_weights(dataset: Dataset, members: Sequence[HasProbabilities], rows: Mask) -> dict[str, Weights]:
    """Weights per shared task that minimise the log-loss of the mean on the rows (N,) given: pass validation
    rows.

    The loss is convex in the weights, which lie on the simplex (SLSQP). Equal weights where no row has a
    truth.
    """
    found = {}
    for task in (name for name in dataset.taxonomy.names if name in members[0].taxonomy):
        heads = [outcomes(dataset, member, task) for member in members]
        used = rows & heads[0].scored & np.logical_and.reduce([head.answered for head in heads])
        truth = heads[0].truth[used]
        chance = np.stack([h.probabilities[used, truth].astype(np.float64) for h in heads], axis=1)  # (n, M)
        found[task] = _simplex(chance)
    return found


@dataclass(frozen=True)
class EnsembleHead:
    """An ensemble on one head, evaluated like a checkpoint: `weights` (M,) of its members, what it scores,
    and `gain` against `best`, the member that is best on the very images shown, which is hard on the
    ensemble. `ece` is None where nothing is predicted."""

    task: str
    weights: tuple[float, ...]
    scores: Scores
    log_loss: Estimate
    ece: Estimate | None
    best: str
    gain: Comparison


def judge(
    dataset: Dataset,
    members: Mapping[str, HasProbabilities],
    weights: Mapping[str, Weights],
    rows: Mask,
    name: str = "The ensemble",
) -> tuple[EnsembleHead, ...]:
    """The ensemble of `members` (name -> predictions, two or more of one taxonomy) on every shared head over
    the rows (N,). In `gain` a is the ensemble, called `name`. Raises SelectionError."""
    joined = ensemble(list(members.values()), weights)
    shared = [task for task in dataset.taxonomy.names if task in joined.taxonomy]
    return tuple(_judge(dataset, members, joined, task, rows, name) for task in shared)


def _judge(
    dataset: Dataset,
    members: Mapping[str, HasProbabilities],
    joined: Ensemble,
    task: str,
    rows: Mask,
    name: str,
) -> EnsembleHead:
    heads = {member: outcomes(dataset, predicted, task) for member, predicted in members.items()}
    best = max(heads, key=lambda member: int((heads[member].correct & rows).sum()))
    together = outcomes(dataset, joined, task)
    answered = bool((rows & together.scored & together.answered).any())
    equal = np.full(len(members), 1 / len(members))
    return EnsembleHead(
        task=task,
        weights=tuple(float(share) for share in joined.weights.get(task, equal)),
        scores=scores(together, rows),
        log_loss=log_loss(tally(together, rows)),
        ece=calibration(together, rows).ece if answered else None,
        best=best,
        gain=compare({name: together, best: heads[best]}, rows)[0],
    )


def _simplex(chance: npt.NDArray[np.float64]) -> Weights:
    size = chance.shape[1]
    equal = np.full(size, 1 / size)
    if len(chance) == 0:
        return equal

    def loss(w: Weights) -> tuple[float, Weights]:
        mixed = np.maximum(chance @ w, float(SMALLEST))
        return float(-np.log(mixed).mean()), np.asarray(-(chance / mixed[:, None]).mean(axis=0))

    fitted = minimize(
        loss,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * size,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": lambda w: np.ones(size)},
    )
    best = np.clip(fitted.x if np.isfinite(fitted.x).all() else equal, 0, 1)
    return np.asarray(best / best.sum())
