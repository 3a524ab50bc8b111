"""The audit of a data set: every check in turn, from cached features and thumbnails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from core.audit.balance import Balance, Synonyms, balance, synonyms
from core.audit.crossval import out_of_sample
from core.audit.duplicates import NearDuplicate, near_duplicates
from core.audit.features import Features, features
from core.audit.labels import LabelIssue, label_issues
from core.audit.leakage import LeakingInstance, leaked_rows, leaking_instances
from core.audit.learnability import Learnability, Trained, learnability, trained
from core.audit.looks import Thumbnails, looks
from core.audit.neighbours import neighbours
from core.audit.outliers import Outlier, outliers
from core.audit.quality import PoorImage, poor_images
from core.data.dataset import Dataset, Problem
from core.evaluation.outcomes import Outcomes, from_probabilities
from core.evaluation.slices import Slice, slice_columns, weak_slices
from core.progress import Progress, silent

NEAREST = 10
FEW = 20
"""Fewer labelled test images than this cannot judge a trained head alone."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything found; row numbers are those of the data set's table, queues have the worst first.

    `slices` are of `slices_of`, the primary task, by the other tasks and metadata (its own labels are what a
    per-class report is for), judged by a cross-validated probe over all images that saw neither the image nor
    its object. `leaked` (N,) bool marks rows outside train
    that resemble or show what an earlier split holds.
    """

    label_issues: Mapping[str, tuple[LabelIssue, ...]]
    near_duplicates: tuple[NearDuplicate, ...]
    leaking_instances: tuple[LeakingInstance, ...]
    leaked: npt.NDArray[np.bool_]
    quarantined: tuple[Problem, ...]
    synonyms: tuple[Synonyms, ...]
    balance: Mapping[str, Balance]
    learnability: Mapping[str, Learnability]
    outliers: tuple[Outlier, ...]
    poor_images: tuple[PoorImage, ...]
    slices: tuple[Slice, ...]
    slices_of: str

    def to_json(self, dataset: Dataset) -> dict[str, Any]:
        """Keys label_issues, near_duplicates, leaking_instances, quarantined, synonyms, learnability, slices
        and more; rows are named by their path."""
        paths = dataset.table["path"].astype(str).tolist()
        return {
            "label_issues": {
                task: [_issue(issue, paths) for issue in found] for task, found in self.label_issues.items()
            },
            "near_duplicates": [_duplicate(pair, paths) for pair in self.near_duplicates],
            "leaking_instances": [
                {"instance_id": found.instance_id, "splits": list(found.splits), "images": len(found.rows)}
                for found in self.leaking_instances
            ],
            "leaked_rows": int(self.leaked.sum()),
            "quarantined": [
                {"path": problem.path, "row": problem.row, "kind": problem.kind, "message": problem.message}
                for problem in self.quarantined
            ],
            "synonyms": [
                {"task": found.task, "labels": list(found.labels), "counts": list(found.counts)}
                for found in self.synonyms
            ],
            "balance": {task: _balance(found) for task, found in self.balance.items()},
            "learnability": {task: found.to_json() for task, found in self.learnability.items()},
            "slices": [found.to_json() for found in self.slices],
            "slices_of": self.slices_of,
            "outliers": [
                {"path": paths[found.row], "similarity": found.similarity, "score": found.score}
                for found in self.outliers
                if found.flagged
            ],
            "poor_images": [
                {"path": paths[found.row], "fault": found.fault, "value": found.value, "score": found.score}
                for found in self.poor_images
            ],
        }


def audit(
    dataset: Dataset,
    embeddings: npt.NDArray[np.floating],
    present: npt.NDArray[np.bool_],
    thumbnails: Thumbnails,
    *,
    heads: Mapping[str, Outcomes] | None = None,
    progress: Progress = silent,
) -> Audit:
    """Audit `dataset` from embeddings (N, D), `present` (N,) and a source of thumbnails
    (FeatureStore.thumbnails).

    Embeddings of a backbone that was not trained on these labels judge them best. `heads` are the outcomes,
    by task, of checkpoints that were trained on the train split and at most chosen on the val split: what
    they can do on rows that had no say in that counts for learnability. Raises StoreError, and Cancelled from
    `progress`.
    """
    with threadpool_limits(1):  # many small products: threads would wait for each other
        return _audit(dataset, embeddings, present, thumbnails, heads or {}, progress)


def _audit(
    dataset: Dataset,
    embeddings: npt.NDArray[np.floating],
    present: npt.NDArray[np.bool_],
    thumbnails: Thumbnails,
    heads: Mapping[str, Outcomes],
    progress: Progress,
) -> Audit:
    table = features(embeddings, present)
    objects = dataset.instances[table.rows] if dataset.has_instances else None
    near = neighbours(table, NEAREST, progress=progress)
    seen = looks(dataset, thumbnails, progress=progress)
    twins = near_duplicates(dataset, table.rows, near, seen, thumbnails, progress=progress)
    leaking = leaking_instances(dataset)
    judged = {name: _Judged.of(dataset, table, objects, name, progress) for name in dataset.taxonomy.names}
    primary = dataset.taxonomy.primary.name
    leaked = leaked_rows(dataset, leaking, twins)
    models = {name: _trained(dataset, head, leaked) for name, head in heads.items()}
    return Audit(
        label_issues={name: found.issues(table.rows) for name, found in judged.items()},
        near_duplicates=twins,
        leaking_instances=leaking,
        leaked=leaked,
        quarantined=tuple(problem for problem in dataset.report.problems if problem.quarantined),
        synonyms=synonyms(dataset),
        balance={name: balance(dataset, name) for name in judged},
        learnability=_learnable(judged, table, objects, models, progress),
        outliers=outliers(table.rows, near),
        poor_images=poor_images(dataset, seen),
        slices=_slices(dataset, judged[primary], table, objects),
        slices_of=primary,
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """One head's labels and its out-of-sample probabilities: by unseen image, and by unseen object."""

    task: str
    labels: tuple[str, ...]
    codes: npt.NDArray[np.int32]
    by_image: Floats
    by_object: Floats

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        table: Features,
        objects: npt.NDArray[np.int64] | None,
        task: str,
        progress: Progress,
    ) -> _Judged:
        labels, codes = dataset.taxonomy[task].labels, dataset.codes(task)[table.rows]
        by_image = out_of_sample(table.reduced, codes, len(labels), progress=progress)
        if objects is None:
            return cls(task, labels, codes, by_image, by_image)
        by_object = out_of_sample(table.reduced, codes, len(labels), objects, progress=progress)
        return cls(task, labels, codes, by_image, by_object)

    def issues(self, rows: npt.NDArray[np.int64]) -> tuple[LabelIssue, ...]:
        """Judged by other photographs of the same object too: they betray one wrong label among right
        ones."""
        return label_issues(rows, self.codes, self.labels, self.by_image)


def _trained(dataset: Dataset, head: Outcomes, leaked: npt.NDArray[np.bool_]) -> Trained | None:
    """Judged on test images that resemble none of training; on validation images too where those are few."""
    split = dataset.table["split"].astype(str).to_numpy()
    unseen = (split == "test") & ~leaked
    if (unseen & head.scored).sum() < FEW:
        unseen = (split != "train") & ~leaked
    return trained(head, split == "train", unseen)


def _learnable(
    judged: Mapping[str, _Judged],
    table: Features,
    objects: npt.NDArray[np.int64] | None,
    models: Mapping[str, Trained | None],
    progress: Progress,
) -> dict[str, Learnability]:
    found = {}
    for done, (name, head) in enumerate(judged.items()):
        progress(done, len(judged), "asking what can be learnt")
        verdict = learnability(name, table, head.codes, head.by_object, objects, models.get(name))
        if verdict is not None:
            found[name] = verdict
    return found


def _slices(
    dataset: Dataset, head: _Judged, table: Features, objects: npt.NDArray[np.int64] | None
) -> tuple[Slice, ...]:
    probabilities = np.zeros((len(dataset), len(head.labels)), dtype=np.float32)
    probabilities[table.rows] = head.by_object / np.maximum(head.by_object.sum(axis=1, keepdims=True), 1e-12)
    here = np.zeros(len(dataset), dtype=bool)
    here[table.rows] = True
    instances = dataset.instances if objects is not None else None
    found = from_probabilities(
        head.task, head.labels, dataset.codes(head.task), probabilities, here, instances
    )
    columns = {name: values for name, values in slice_columns(dataset).items() if name != head.task}
    return weak_slices(found, here, columns)


def _issue(issue: LabelIssue, paths: list[str]) -> dict[str, Any]:
    return {
        "path": paths[issue.row],
        "given": issue.given,
        "suggested": issue.suggested,
        "score": issue.score,
        "flagged": issue.flagged,
    }


def _duplicate(pair: NearDuplicate, paths: list[str]) -> dict[str, Any]:
    return {
        "path": paths[pair.row],
        "other": paths[pair.other],
        "similarity": pair.similarity,
        "exact": pair.exact,
        "splits": list(pair.splits),
    }


def _balance(found: Balance) -> dict[str, Any]:
    return {
        "counts": found.counts,
        "ratio": found.ratio,
        "effective_labels": found.effective,
        "missing": found.missing,
        "unseen_in_train": list(found.unseen),
        "imbalanced": found.imbalanced,
    }
