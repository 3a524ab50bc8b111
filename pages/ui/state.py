"""The shared selection of a session and the view that follows from it: choices are kept, results are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.data import Dataset
from core.errors import CheckpointError, StoreError
from core.evaluation.outcomes import Outcomes
from core.files import sha256_bytes
from core.models import Checkpoint
from core.selection import KEYS, Selection
from core.settings import Settings
from core.store import Predictions
from pages.ui import resources

_SELECTION = "vitrine.selection"
_WRITTEN = "vitrine.written"


class NoCheckpoint(CheckpointError):
    """No checkpoint predicts any task of the data set, or none was trained on it where one should be."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(
            f"No model has been trained for '{dataset.name}' yet",
            cause="No checkpoint here has learnt from these images.",
            fix="Train the quick model here, or choose a checkpoint or another data set in the sidebar.",
        )
        self.dataset = dataset


class NotIndexed(StoreError):
    """The features of this data set under this checkpoint have not been built."""

    def __init__(self, dataset: Dataset, checkpoint: Checkpoint) -> None:
        super().__init__(
            f"'{checkpoint.name}' has not looked at '{dataset.name}' yet",
            cause="The feature store holds no predictions for these images.",
            fix="Build the features here; it takes a few seconds per thousand images.",
        )
        self.dataset = dataset
        self.checkpoint = checkpoint


@dataclass(frozen=True, eq=False)
class View:
    """Everything that a page draws from: one head of one checkpoint on the selected rows of one data set."""

    settings: Settings
    dataset: Dataset
    checkpoint: Checkpoint
    predictions: Predictions
    outcomes: Outcomes
    selection: Selection
    mask: npt.NDArray[np.bool_]
    """(N,) bool over the data set's rows."""
    slices: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """(N,) bool of each saved slice of the data set."""

    @cached_property
    def rows(self) -> npt.NDArray[np.int64]:
        """The selected rows' positions in the data set's table, int64."""
        return np.flatnonzero(self.mask).astype(np.int64)

    @cached_property
    def objects(self) -> int | None:
        """How many objects the selected rows show, or None where objects are not known."""
        return len(np.unique(self.dataset.instances[self.mask])) if self.dataset.has_instances else None

    @property
    def key(self) -> tuple[str, ...]:
        """A cache key for whatever is computed from this view's rows and head."""
        chosen = (f"{name}={value}" for name, value in self.selection.to_query().items())
        named = (sha256_bytes(np.packbits(self.mask).tobytes()),) if self.selection.slices else ()
        return (*resources.identity(self.dataset, self.predictions), *chosen, *named)


def selection() -> Selection:
    """The session's selection; a link that was opened since the last run replaces it."""
    asked = {key: st.query_params[key] for key in KEYS.values() if key in st.query_params}
    if asked and asked != st.session_state.get(_WRITTEN):
        st.session_state[_SELECTION] = Selection.from_query(asked)
        st.session_state[_WRITTEN] = asked
    return st.session_state.setdefault(_SELECTION, Selection())


def select(**changes: Any) -> None:
    """Change fields of the session's selection; the page's next run shows it and writes it into the URL."""
    st.session_state[_SELECTION] = replace(selection(), **{"notes": (), **changes})


def write_link(chosen: Selection) -> None:
    """Put `chosen` into the session and the URL, leaving other query parameters alone."""
    st.session_state[_SELECTION] = chosen
    query = chosen.to_query()
    for key in KEYS.values():
        if key in query and st.query_params.get(key) != query[key]:
            st.query_params[key] = query[key]
        elif key not in query and key in st.query_params:
            del st.query_params[key]
    st.session_state[_WRITTEN] = query


def link(chosen: Selection, **more: str) -> dict[str, str]:
    """Query parameters that open `chosen`, with a page's own parameters."""
    return {**chosen.to_query(), **more}


def chosen_dataset() -> Dataset:
    """The selection's data set, or the default one. Raises DataError."""
    names = list(resources.datasets())
    wanted = selection().dataset
    if wanted and wanted not in names:
        select(dataset=names[0], notes=(f"There is no data set '{wanted}' here; showing '{names[0]}'.",))
    elif not wanted:
        st.session_state[_SELECTION] = replace(selection(), dataset=names[0])
    return resources.dataset(selection().dataset)


def usable_checkpoints(dataset: Dataset) -> list[Checkpoint]:
    """Checkpoints made for `dataset`: trained on exactly it before others, more accurate on validation first.

    Where none was made for it, those of other data sets that know some label of some task of it. Of two that
    are as accurate, or have no figure, the newer one comes first.
    """
    found = [c for c in resources.checkpoints()[0] if shared_tasks(dataset, c)]
    newest = sorted(found, key=lambda c: c.card.created, reverse=True)
    own = [checkpoint for checkpoint in newest if made_for(dataset, checkpoint)]

    def rank(checkpoint: Checkpoint) -> tuple[bool, float]:
        return checkpoint.card.data.fingerprint != dataset.fingerprint, -_validated(checkpoint)

    return sorted(own or newest, key=rank)


def _validated(checkpoint: Checkpoint) -> float:
    """Accuracy of the primary head on validation images, as the card has it; 0 where it has none."""
    measures = checkpoint.card.metrics.get("val", {}).get(checkpoint.taxonomy.primary.name, {})
    return measures["accuracy"].value if "accuracy" in measures else 0.0


def made_for(dataset: Dataset, checkpoint: Checkpoint) -> bool:
    """Whether `checkpoint` was trained on `dataset`, or on one of its name (labels may have changed)."""
    data = checkpoint.card.data
    return data.fingerprint == dataset.fingerprint or data.name == dataset.name


def awaits_own(dataset: Dataset, usable: list[Checkpoint]) -> bool:
    """Whether a model of the data set's own is made first: none is there, and no other one was chosen."""
    chosen = any(checkpoint.name == selection().checkpoint for checkpoint in usable)
    return not chosen and resources.prepares() and not any(made_for(dataset, c) for c in usable)


def shared_tasks(dataset: Dataset, checkpoint: Checkpoint) -> tuple[str, ...]:
    """The data set's tasks of which the checkpoint knows at least one label, in the data set's order."""
    taxonomy = checkpoint.taxonomy
    return tuple(t for t in dataset.taxonomy.names if taxonomy.coverage(dataset.taxonomy, t).mapped)


def chosen_checkpoint(dataset: Dataset) -> Checkpoint:
    """The selection's checkpoint, or the one that suits `dataset` best. Raises NoCheckpoint."""
    usable = usable_checkpoints(dataset)
    wanted = selection().checkpoint
    if not usable or awaits_own(dataset, usable):
        raise NoCheckpoint(dataset)
    for checkpoint in usable:
        if checkpoint.name == wanted:
            return checkpoint
    if wanted:
        select(notes=(*selection().notes, f"'{wanted}' does not fit here; showing '{usable[0].name}'."))
    st.session_state[_SELECTION] = replace(selection(), checkpoint=usable[0].name)
    return usable[0]


def chosen_task(dataset: Dataset, checkpoint: Checkpoint) -> str:
    """The selection's head, or the first one that data set and checkpoint share."""
    tasks = shared_tasks(dataset, checkpoint)
    wanted = selection().task
    if wanted and wanted not in tasks:
        select(notes=(*selection().notes, f"There is no head '{wanted}' here; showing '{tasks[0]}'."))
    if wanted not in tasks:
        st.session_state[_SELECTION] = replace(selection(), task=tasks[0])
    return selection().task


def _predictions(dataset: Dataset, checkpoint: Checkpoint) -> Predictions | None:
    """Those of the precision that is asked for, or the usual ones with a note where it has none."""
    wanted = selection().precision
    found = resources.indexed(dataset, checkpoint, wanted)
    if found is not None or wanted == "auto":
        return found
    note = f"'{checkpoint.name}' has no {wanted} predictions here; showing the usual ones."
    select(precision="auto", notes=(*selection().notes, note))
    return resources.indexed(dataset, checkpoint)


def current_view() -> View:
    """The view of the session's selection; cheap once its parts are cached.

    Raises NoCheckpoint or NotIndexed where something has to be built first, other VitrineErrors where
    something cannot be read.
    """
    dataset = chosen_dataset()
    checkpoint = chosen_checkpoint(dataset)
    task = chosen_task(dataset, checkpoint)
    predictions = _predictions(dataset, checkpoint)
    if predictions is None:
        raise NotIndexed(dataset, checkpoint)
    outcomes = resources.outcomes(dataset, predictions, task)
    slices, notes = _slices(dataset)
    chosen = selection().fitted(dataset, outcomes.labels, slices)
    chosen = replace(chosen, notes=(*chosen.notes, *notes))
    mask = chosen.mask(dataset, outcomes, slices)
    return View(resources.settings(), dataset, checkpoint, predictions, outcomes, chosen, mask, slices)


def _slices(dataset: Dataset) -> tuple[Mapping[str, npt.NDArray[np.bool_]], tuple[str, ...]]:
    """The saved slices; where their file is damaged pages go on without, and say so."""
    try:
        return resources.slices(dataset), ()
    except StoreError as error:
        return {}, (f"{error.title} ({error.cause}). {error.fix}",)
