"""One temperature per head: the simplest way to make probabilities honest. Predictions do not change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from core.errors import SelectionError
from core.evaluation.bootstrap import mean
from core.evaluation.calibration import calibration
from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import SMALLEST, Floats, Mask, Outcomes, from_probabilities

TEMPERATURES = (0.05, 20.0)
"""Temperatures looked for; beyond them probabilities are one-hot or uniform."""


@dataclass(frozen=True)
class Honesty:
    """How far probabilities can be believed: calibration error in [0, 1] and log-loss in nats."""

    ece: Estimate
    chance_ece: float
    """The calibration error that a perfectly calibrated head would show on these images."""
    log_loss: Estimate

    def to_json(self) -> dict[str, Any]:
        """Keys ece, chance_ece, log_loss."""
        return {
            "ece": self.ece.to_json(),
            "chance_ece": self.chance_ece,
            "log_loss": self.log_loss.to_json(),
        }


@dataclass(frozen=True)
class Scaling:
    """One head's `temperature`, fitted on `images` images, and what it does to images it was not fitted on.

    `before` (raw, temperature 1), `after` and `gain` (log-loss saved per image, nats) are None where no such
    image has a label and a prediction.
    """

    task: str
    temperature: float
    images: int
    before: Honesty | None
    after: Honesty | None
    gain: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """Keys temperature, images, before, after, gain."""
        return {
            "temperature": self.temperature,
            "images": self.images,
            "before": None if self.before is None else self.before.to_json(),
            "after": None if self.after is None else self.after.to_json(),
            "gain": None if self.gain is None else self.gain.to_json(),
        }


def scaling(raw: Outcomes, fit: Mask, judge: Mask) -> Scaling | None:
    """Fit on the rows `fit` (N,), report on the rows `judge` (N,) that are not among them; `raw` are outcomes
    at temperature 1. None where no row to fit on has a label and a prediction."""
    images = int((fit & _usable(raw)).sum())
    if not images:
        return None
    temperature = fit_temperature(raw, fit)
    mended = with_temperature(raw, temperature)
    used = judge & ~fit & _usable(raw)
    if not used.any():
        return Scaling(raw.task, temperature, images, None, None, None)
    objects = None if raw.instances is None else raw.instances[used]
    gain = mean(raw.loss[used].astype(float) - mended.loss[used], objects)
    return Scaling(raw.task, temperature, images, honesty(raw, used), honesty(mended, used), gain)


def honesty(outcomes: Outcomes, rows: Mask) -> Honesty:
    """Over the rows (N,) with a label and a prediction. Raises SelectionError where there is none."""
    found = calibration(outcomes, rows)
    used = rows & _usable(outcomes)
    objects = None if outcomes.instances is None else outcomes.instances[used]
    return Honesty(found.ece, found.chance_ece, mean(outcomes.loss[used].astype(float), objects))


def fit_temperature(outcomes: Outcomes, rows: Mask) -> float:
    """The temperature that minimises the log-loss on the rows (N,) given (Guo et al. 2017): pass validation
    rows.

    It multiplies the temperature already in use: logits / (T_old * T). Targets are those of Platt (1999): on
    n images the true label gets (n + 1) / (n + 2), the others share the rest, so that n images which are all
    right give a confidence of about 1 - 1 / n and not certainty. 1.0 where no row has a prediction and a
    truth that the checkpoint knows; within `TEMPERATURES`.
    """
    used = rows & _usable(outcomes)
    known = outcomes.probabilities[used].max(axis=0, initial=0) > 0  # (L,): labels that the head has
    used &= known[np.where(outcomes.scored, outcomes.truth, 0)]
    n, labels = int(used.sum()), int(known.sum())
    if not n or labels < 2:
        return 1.0
    logits = _logs(outcomes.probabilities[used][:, known]).astype(np.float64)
    truth = (np.cumsum(known) - 1)[outcomes.truth[used]][:, None]
    doubt = 1 / (n + 2)

    def loss(log_temperature: float) -> float:
        scaled = np.maximum(log_softmax(logits / math.exp(log_temperature), axis=1), np.log(SMALLEST))
        own = np.take_along_axis(scaled, truth, axis=1)[:, 0]
        others = (scaled.sum(axis=1) - own) / (labels - 1)
        return float(-((1 - doubt) * own + doubt * others).mean())

    low, high = (math.log(bound) for bound in TEMPERATURES)
    return math.exp(float(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def with_temperature(outcomes: Outcomes, temperature: float) -> Outcomes:
    """The outcomes with every probability re-scaled by `temperature` > 0: same predictions, other confidence.

    Raises SelectionError for a temperature that is not a positive number.
    """
    if not (math.isfinite(temperature) and temperature > 0):
        raise SelectionError(
            f"{temperature} is no temperature", cause="A temperature is a number above 0.", fix="Fit it anew."
        )
    table = outcomes.probabilities
    foreign = np.nan_to_num(table).max(axis=0, initial=0) == 0  # labels that the head does not have stay at 0
    logits = np.where(foreign & outcomes.answered[:, None], -np.inf, _logs(table) / temperature)
    return from_probabilities(
        outcomes.task,
        outcomes.labels,
        outcomes.truth,
        np.exp(log_softmax(logits, axis=1)).astype(np.float32),
        outcomes.answered,
        outcomes.instances,
    )


def _usable(outcomes: Outcomes) -> Mask:
    """Rows (N,) with a label and a prediction."""
    return np.asarray(outcomes.scored & outcomes.answered)


def _logs(probabilities: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)), dtype=np.float32)
