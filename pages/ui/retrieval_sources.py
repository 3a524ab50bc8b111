"""What the Retrieval page searches: checkpoints prepared once per process, and which of them are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from core.models import Checkpoint
from core.retrieval import Fusion, Playground, Source
from core.retrieval.source import index_file
from core.store import Predictions
from pages.ui import resources
from pages.ui.controls import choice, picker
from pages.ui.launch import launch
from pages.ui.state import View, shared_tasks, usable_checkpoints
from pages.ui.text import count, md

MODELS = {"one": "One checkpoint", "beside": "Side by side", "together": "Together"}
FUSION_NAMES = {"average": "Averaged probabilities", "rrf": "Merged ranks"}


@dataclass(frozen=True, eq=False)
class Asked:
    """The views that are drawn beside each other, each with what it searches."""

    views: tuple[View, ...]
    grounds: tuple[Playground, ...]
    fusion: Fusion = "average"


def choose_sources(view: View) -> Asked:
    """Draw the switch between one checkpoint, two side by side and several merged, where there are others."""
    others = {c.name: found for c, found in _others(view)}
    if not others:
        return Asked((view,), (playground(view, [view.predictions]),))
    how = choice("Checkpoints", "models", MODELS, "one")
    if how == "one":
        return Asked((view,), (playground(view, [view.predictions]),))
    if how == "beside":
        name = picker("Beside it", "other", list(others), next(iter(others)))
        second = _seen_by(view, name, others[name])
        return Asked(
            (view, second), (playground(view, [view.predictions]), playground(view, [second.predictions]))
        )
    fusion = choice("Merge by", "fusion", FUSION_NAMES, "average")
    every = [view.predictions, *others.values()]
    return Asked((view,), (playground(view, every),), "rrf" if fusion == "rrf" else "average")


def playground(view: View, predictions: Sequence[Predictions]) -> Playground:
    """The data set under these checkpoints; what it searches is prepared once and shared."""
    return Playground(view.dataset, [source(view, found) for found in predictions])


def source(view: View, predictions: Predictions) -> Source:
    """One checkpoint's search structures, kept between runs."""
    heat = resources.heat(predictions.temperature)
    file = index_file(resources.settings().cache, view.dataset.fingerprint, predictions)
    stamp = file.stat().st_mtime_ns if file.exists() else 0
    return _source(*resources.features(view.dataset, predictions), heat, stamp, predictions, file)


def offer_index(view: View, asked: Asked) -> None:
    """Where there are so many images that an index would pay: a button that makes it, until it is there."""
    data = view.dataset
    for ground in asked.grounds:
        for found in ground.sources:
            if not found.ready or not found.vectors.unindexed:
                continue
            checkpoint = checkpoint_of(view, found.name)
            st.caption(
                f"Each of {count(len(found), 'image')} is compared under {md(found.name)}; an index of them "
                "answers in a fraction of the time."
            )
            argv = ["-m", "core", "search-index", "--data", str(data.root), "--checkpoint"]
            launch(
                f"search-index:{data.fingerprint}:{checkpoint.hash[:16]}",
                "Indexing for the search",
                "Make the index",
                [*argv, str(checkpoint.path)],
                icon="bolt",
                primary=False,
            )


def checkpoint_of(view: View, name: str) -> Checkpoint:
    """The usable checkpoint of that name."""
    return next(c for c in usable_checkpoints(view.dataset) if c.name == name)


def _others(view: View) -> list[tuple[Checkpoint, Predictions]]:
    """The other checkpoints that have looked at every image that this one has."""
    found = []
    for checkpoint in usable_checkpoints(view.dataset):
        if checkpoint.hash == view.checkpoint.hash:
            continue
        predictions = resources.indexed(view.dataset, checkpoint)
        if predictions is not None:
            found.append((checkpoint, predictions))
    return found


def _seen_by(view: View, name: str, predictions: Predictions) -> View:
    """The same rows under another checkpoint."""
    checkpoint = checkpoint_of(view, name)
    tasks = shared_tasks(view.dataset, checkpoint)
    task = view.selection.task if view.selection.task in tasks else tasks[0]
    return replace(
        view,
        checkpoint=checkpoint,
        predictions=predictions,
        outcomes=resources.outcomes(view.dataset, predictions, task),
        selection=replace(view.selection, checkpoint=name, task=task),
    )


@st.cache_resource(show_spinner="Preparing the search", max_entries=8)
def _source(
    fingerprint: str,
    checkpoint: str,
    state: str,
    temperature: str,
    stamp: int,
    _predictions: Predictions,
    _file: Path,
) -> Source:
    return Source(_predictions, ann=_file, build=False)
