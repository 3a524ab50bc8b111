"""Which checkpoints are compared, on which images, and the results that follow, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.evaluation import Outcomes, Scores, scores
from core.evaluation.calibration import Calibration, calibration
from core.evaluation.comparison import Comparison, Standing, compare, leaderboard
from core.evaluation.composite import log_loss
from core.evaluation.estimate import Estimate
from core.evaluation.tally import tally
from core.models import Checkpoint
from core.store import Predictions
from pages.ui import resources
from pages.ui.fair import fair_mask
from pages.ui.state import View, shared_tasks, usable_checkpoints

PARAMETER = "with"
"""The link's parameter: names of checkpoints, separated by commas (a name has none)."""
MOST = 8
Mask = npt.NDArray[np.bool_]
Key = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Members:
    """Checkpoints with predictions on the rows `mask` (N,) bool of one data set; `key` names all of that."""

    view: View
    checkpoints: tuple[Checkpoint, ...]
    predictions: tuple[Predictions, ...]
    mask: Mask
    key: Key

    def heads(self, task: str) -> dict[str, Outcomes]:
        """Outcomes of head `task` by checkpoint, of those that have it."""
        return {
            checkpoint.name: resources.outcomes(self.view.dataset, predicted, task)
            for checkpoint, predicted in zip(self.checkpoints, self.predictions, strict=True)
            if task in shared_tasks(self.view.dataset, checkpoint)
        }

    @property
    def tasks(self) -> tuple[str, ...]:
        """The data set's heads that any of them knows."""
        known = {task for checkpoint in self.checkpoints for task in checkpoint.taxonomy.names}
        return tuple(task for task in self.view.dataset.taxonomy.names if task in known)


@dataclass(frozen=True)
class Line:
    """One checkpoint and head: scores, log-loss in nats, calibration (None where nothing is predicted)."""

    name: str
    task: str
    scores: Scores
    log_loss: Estimate
    calibration: Calibration | None


def candidates(view: View) -> list[Checkpoint]:
    """Checkpoints that know the view's head, the view's own first."""
    found = [c for c in usable_checkpoints(view.dataset) if view.selection.task in c.taxonomy]
    return sorted(found, key=lambda c: c.name != view.checkpoint.name)


def members(view: View, chosen: list[Checkpoint]) -> Members:
    """The chosen ones that have predictions, on the rows that no checkpoint's answer has a say in."""
    found = [(c, p) for c in chosen if (p := resources.indexed(view.dataset, c)) is not None]
    mask = fair_mask(view)
    rows = hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
    parts = [part for _, predicted in found for part in resources.identity(view.dataset, predicted)]
    return Members(view, tuple(c for c, _ in found), tuple(p for _, p in found), mask, (rows, *parts))


def line(group: Members, name: str, task: str, outcomes: Outcomes) -> Line:
    """The figures of one checkpoint and head."""
    return _line((*group.key, name, task), name, task, outcomes, group.mask)


def pairs(group: Members, task: str) -> tuple[Comparison, ...]:
    """Every pair on one head; fewer than two members give none."""
    heads = group.heads(task)
    return _pairs((*group.key, task), heads, group.mask) if len(heads) > 1 else ()


def standings(group: Members, task: str) -> tuple[Standing, ...]:
    """The leaderboard of one head."""
    return _standings((*group.key, task), group.heads(task), group.mask)


@st.cache_resource(show_spinner="Measuring", max_entries=256)
def _line(key: Key, name: str, task: str, _outcomes: Outcomes, _mask: Mask) -> Line:
    answered = _mask & _outcomes.scored & _outcomes.answered
    judged = calibration(_outcomes, _mask) if answered.any() else None
    return Line(name, task, scores(_outcomes, _mask), log_loss(tally(_outcomes, _mask)), judged)


@st.cache_resource(show_spinner="Comparing", max_entries=64)
def _pairs(key: Key, _heads: Mapping[str, Outcomes], _mask: Mask) -> tuple[Comparison, ...]:
    return compare(_heads, _mask)


@st.cache_resource(show_spinner=False, max_entries=64)
def _standings(key: Key, _heads: Mapping[str, Outcomes], _mask: Mask) -> tuple[Standing, ...]:
    return leaderboard(_heads, _mask)
