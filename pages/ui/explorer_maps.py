"""The maps of the Explorer: PCA at once, others from the cache or laid out by a command in the background."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.models import Checkpoint
from core.projection import (
    Clusters,
    Parameters,
    Projection,
    Shelf,
    Space,
    clusters,
    fit,
    projection_key,
    space,
)
from core.projection.pca import Axis, axes, components
from core.store import Predictions
from pages.ui import resources, work
from pages.ui.detail import embeddings
from pages.ui.errors import guard
from pages.ui.state import View
from pages.ui.text import count


def map_key(view: View, parameters: Parameters) -> str:
    """The key of this view's map."""
    return projection_key(view.predictions, parameters, version=resources.store().version(view.checkpoint))


def find_map(view: View, parameters: Parameters) -> Projection | None:
    """The map that was asked for: computed here where it is PCA, else read from the cache; None where it has
    to be laid out first. Raises StoreError where there are too few embeddings."""
    key = map_key(view, parameters)
    kept = Shelf(resources.settings().cache).find(key)
    if kept is None and parameters.method == "pca":
        return _pca(key, parameters, view)
    return kept


def view_space(view: View) -> Space:
    """The view's embeddings as directions."""
    return _space(*resources.features(view.dataset, view.predictions), view)


def view_clusters(view: View) -> Clusters:
    """As many groups of the embeddings as the head has labels, made without them."""
    key = (*resources.identity(view.dataset, view.predictions), view.selection.task)
    return _clusters(key, view)


def view_axes(view: View, dimensions: int) -> tuple[Axis, ...]:
    """What lies at the ends of PCA's axes."""
    return _axes(map_key(view, Parameters("pca", dimensions)), dimensions, view)


def argv(view: View, parameters: Parameters, *, stability: bool = False) -> list[str]:
    """The command that lays out the map."""
    asked = {
        "--data": view.dataset.root,
        "--checkpoint": view.checkpoint.path,
        "--method": parameters.method,
        "--dimensions": parameters.dimensions,
        "--neighbours": parameters.neighbours,
        "--min-dist": parameters.min_dist,
        "--perplexity": parameters.perplexity,
        "--seed": parameters.seed,
    }
    words = [str(word) for pair in asked.items() for word in pair]
    return ["-m", "core", "project", *words, *(["--stability"] if stability else [])]


def offer(view: View, parameters: Parameters, *, label: str = "", stability: bool = False) -> None:
    """A button that lays out the map in the background, its progress with a cancel, or what went wrong."""
    key = f"project:{map_key(view, parameters)}:{stability}"
    current = work.current(key)
    if current is not None and current.running:
        work.watch(key, counted=False)
    elif current is not None and not current.succeeded:
        _failed(key, current)
    elif resources.settings().read_only:
        st.caption(
            "This dashboard is read-only: whoever runs it can lay out this map with `python -m core project`."
        )
    else:
        title = f"{parameters.text()}, {count(int(view.predictions.present.sum()), 'image')}"
        if current is not None:  # it succeeded, and yet the map is not there: it was made for other features
            work.dismiss(key)
        if st.button(label or "Lay out this map", icon=":material/play_arrow:", key=f"start:{key}"):
            with guard():
                work.start(key, title, argv(view, parameters, stability=stability))
                st.rerun()


def _failed(key: str, current: work.Work) -> None:
    if current.cancelled:
        st.info("Cancelled. No map was made.")
    else:
        st.error("The map could not be laid out.", icon=":material/error:")
        work.draw_log(current)
    if st.button("Try again", icon=":material/refresh:", key=f"again:{key}"):
        work.dismiss(key)
        st.rerun()


def with_checkpoint(view: View, checkpoint: Checkpoint, predictions: Predictions) -> View:
    """The same rows under another checkpoint, for a second map."""
    outcomes = resources.outcomes(view.dataset, predictions, view.selection.task)
    return replace(view, checkpoint=checkpoint, predictions=predictions, outcomes=outcomes)


@st.cache_resource(show_spinner=False, max_entries=8)
def _pca(key: str, parameters: Parameters, _view: View) -> Projection:
    return fit(view_space(_view), parameters, key=key)


@st.cache_resource(show_spinner=False, max_entries=2)
def _space(fingerprint: str, checkpoint: str, state: str, _view: View) -> Space:
    return space(embeddings(_view))


@st.cache_resource(show_spinner="Grouping the embeddings", max_entries=8)
def _clusters(key: tuple[str, ...], _view: View) -> Clusters:
    return clusters(view_space(_view), _view.outcomes.truth, len(_view.outcomes.labels))


@st.cache_resource(show_spinner=False, max_entries=8)
def _axes(key: str, dimensions: int, _view: View) -> tuple[Axis, ...]:
    found = view_space(_view)
    return axes(found, components(found, dimensions))
