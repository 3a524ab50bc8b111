"""A checkpoint's last step: temperatures fitted on validation images and figures of every split, on its card.

Every probability of Vitrine is computed with the card's temperature: on pages, in thresholds, in search.
Weights and stored logits stay as they are, since logits are stored before they are divided by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.data.dataset import Dataset
from core.errors import CheckpointError, DataError
from core.evaluation import Evaluation, evaluate, outcomes
from core.evaluation.temperature import Scaling, scaling
from core.models.card import CalibrationFacts, Measure, Metrics
from core.models.checkpoint import Checkpoint, update_card
from core.store.predictions import Predictions

FITTED_ON = "val"
JUDGED_ON = "test"
HEADLINES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "log_loss")


@dataclass(frozen=True)
class Calibrated:
    """A checkpoint with its new card, what every head's temperature does, and its evaluations where they were
    made."""

    checkpoint: Checkpoint
    scalings: tuple[Scaling, ...]
    evaluations: tuple[Evaluation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Keys checkpoint, fitted_on, judged_on, tasks -> {head: its Scaling}."""
        return {
            "checkpoint": self.checkpoint.name,
            "fitted_on": FITTED_ON,
            "judged_on": JUDGED_ON,
            "tasks": {one.task: one.to_json() for one in self.scalings},
        }


def fit_scalings(dataset: Dataset, predictions: Predictions) -> tuple[Scaling, ...]:
    """A temperature for every head that data set and checkpoint share, fitted on validation images and judged
    on test images, both from raw logits. Empty where the data set has no validation images to fit on."""
    if FITTED_ON not in dataset.splits:
        return ()
    raw = replace(predictions, temperature={})
    fit = dataset.split_mask(FITTED_ON)
    judge = dataset.split_mask(JUDGED_ON) if JUDGED_ON in dataset.splits else ~dataset.split_mask("all")
    shared = [name for name in dataset.taxonomy.names if name in predictions.taxonomy]
    found = (scaling(outcomes(dataset, raw, task), fit, judge) for task in shared)
    return tuple(one for one in found if one is not None)


def calibrate(checkpoint: Checkpoint, dataset: Dataset, predictions: Predictions) -> Calibrated:
    """Fit the temperatures and write them on the checkpoint's card; `predictions` are its own on `dataset`.

    Figures that the card holds of this data set are computed anew, since a log-loss depends on the
    temperature. Raises DataError where there is nothing to fit on, CheckpointError where the card cannot
    be written.
    """
    scalings = fit_scalings(dataset, predictions)
    if not scalings:
        raise DataError(
            f"No temperature can be fitted on '{dataset.name}'",
            cause=f"It has no split '{FITTED_ON}' with images that have both a label and a prediction.",
            fix=f"Mark some rows of labels.csv with '{FITTED_ON}' in the split column.",
        )
    if checkpoint.card.metrics and checkpoint.card.data.fingerprint == dataset.fingerprint:
        return finished(checkpoint, dataset, predictions, scalings)
    return Calibrated(_written(checkpoint, **_facts(dataset, scalings)), scalings)


def finished(
    checkpoint: Checkpoint,
    dataset: Dataset,
    predictions: Predictions,
    scalings: tuple[Scaling, ...] | None = None,
) -> Calibrated:
    """The end of every training: temperatures where they can be fitted, and the figures of every split with
    them, written on the card in one go. Raises CheckpointError."""
    found = fit_scalings(dataset, predictions) if scalings is None else scalings
    scaled = replace(predictions, temperature={one.task: one.temperature for one in found})
    evaluations = tuple(evaluate(dataset, scaled, split) for split in dataset.splits)
    facts = _facts(dataset, found) if found else {}
    return Calibrated(_written(checkpoint, metrics=card_metrics(evaluations), **facts), found, evaluations)


def card_metrics(evaluations: tuple[Evaluation, ...]) -> Metrics:
    """The headline figures of evaluations as a card keeps them; undefined figures are left out."""
    found: Metrics = {}
    for evaluation in evaluations:
        for head in evaluation.heads:
            scores = {name: getattr(head.report, name).to_json() for name in HEADLINES}
            kept = {name: Measure(**score) for name, score in scores.items() if score["value"] is not None}
            found.setdefault(evaluation.split, {})[head.task] = kept
    return found


def _written(checkpoint: Checkpoint, **facts: Any) -> Checkpoint:
    try:
        return update_card(checkpoint, **facts)
    except OSError as error:
        raise CheckpointError(
            f"The card of checkpoint '{checkpoint.name}' cannot be written",
            cause=f"{checkpoint.path}: {error.strerror or error}",
            fix="Free some disk space, or make the checkpoint's folder writable; the old card is intact.",
        ) from error


def _facts(dataset: Dataset, scalings: tuple[Scaling, ...]) -> dict[str, Any]:
    return {
        "temperature": {one.task: one.temperature for one in scalings},
        "calibration": CalibrationFacts(
            data=dataset.name,
            fingerprint=dataset.fingerprint,
            split=FITTED_ON,
            images={one.task: one.images for one in scalings},
        ).model_dump(),
    }
