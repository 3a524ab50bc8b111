"""How far a checkpoint in another form still says what it says in float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.data.dataset import Dataset
from core.evaluation.comparison import compare
from core.evaluation.estimate import Estimate
from core.evaluation.intervals import proportion
from core.evaluation.outcomes import outcomes
from core.evaluation.report import scores
from core.inference.agreement import cosines
from core.store import Predictions

EXACT, VARIANT = "f32", "variant"


@dataclass(frozen=True)
class HeadAgreement:
    """One head on the same images in both forms. `same_top1`: the share with the same most likely label.
    `difference`: accuracy of the variant minus float32's, paired; `p` decides whether it is one."""

    task: str
    exact: Estimate
    variant: Estimate
    same_top1: Estimate
    difference: Estimate
    p: float
    decided: bool

    def to_json(self) -> dict[str, Any]:
        """Estimates as their JSON."""
        names = ("exact", "variant", "same_top1", "difference")
        found = {name: getattr(self, name).to_json() for name in names}
        return {"task": self.task, **found, "p": self.p, "decided": self.decided}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> HeadAgreement:
        """Read `to_json` back. Raises KeyError, TypeError, ValueError for something else."""
        names = ("exact", "variant", "same_top1", "difference")
        found = {name: Estimate.from_json(value[name]) for name in names}
        return cls(task=value["task"], **found, p=value["p"], decided=value["decided"])


@dataclass(frozen=True)
class Agreement:
    """Both forms on `n` images: cosines of embeddings, the largest difference of a logit, and every head."""

    n: int
    min_cosine: float
    median_cosine: float
    largest_logit_difference: float
    heads: tuple[HeadAgreement, ...]

    def to_json(self) -> dict[str, Any]:
        """The fields by name, heads by task."""
        return {
            "n": self.n,
            "min_cosine": self.min_cosine,
            "median_cosine": self.median_cosine,
            "largest_logit_difference": self.largest_logit_difference,
            "heads": {head.task: head.to_json() for head in self.heads},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Agreement:
        """Read `to_json` back. Raises KeyError, TypeError, ValueError for something else."""
        heads = tuple(HeadAgreement.from_json(head) for head in value["heads"].values())
        return cls(**{**value, "heads": heads})


def agreement(
    dataset: Dataset, exact: Predictions, variant: Predictions, rows: npt.NDArray[np.bool_]
) -> Agreement:
    """Compare both on the rows (N,) bool that have both predictions, every head that the data set knows."""
    both = rows & exact.present & variant.present
    found = cosines(exact.embeddings()[both], variant.embeddings()[both])
    gaps = [np.abs(exact.logits[task][both] - variant.logits[task][both]).max() for task in exact.logits]
    tasks = [task for task in dataset.taxonomy.names if task in exact.taxonomy]
    return Agreement(
        n=int(both.sum()),
        min_cosine=float(found.min()),
        median_cosine=float(np.median(found)),
        largest_logit_difference=float(max(gaps)),
        heads=tuple(_head(dataset, exact, variant, task, both) for task in tasks),
    )


def _head(
    dataset: Dataset, exact: Predictions, variant: Predictions, task: str, rows: npt.NDArray[np.bool_]
) -> HeadAgreement:
    one, other = outcomes(dataset, exact, task), outcomes(dataset, variant, task)
    pair = compare({VARIANT: other, EXACT: one}, rows)[0]
    instances = dataset.instances[rows] if dataset.has_instances else None
    return HeadAgreement(
        task=task,
        exact=scores(one, rows).accuracy,
        variant=scores(other, rows).accuracy,
        same_top1=proportion(one.prediction[rows] == other.prediction[rows], instances),
        difference=pair.difference,
        p=pair.p,
        decided=pair.verdict != "undecided",
    )
