"""Search by any words, where a CLIP model lies on this machine: see `core.retrieval.clip`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import streamlit as st

from core.errors import CheckpointError
from core.retrieval.clip import WEIGHTS, Clip, ClipStore, clip_folder, search_clip
from core.retrieval.vectors import Vectors
from pages.ui import resources
from pages.ui.launch import launch
from pages.ui.retrieval_hits import MOST, draw_found
from pages.ui.state import View
from pages.ui.text import count

METHOD, NAME = "clip", "CLIP"
HELP = (
    "Compares the words with the pictures themselves by the CLIP model of VITRINE_CLIP, so that any words "
    "will do. It gives no reasons, and knows nothing of this data set's labels."
)


def offered() -> bool:
    """Whether a CLIP model is named at all: it is off by default."""
    return bool(os.environ.get("VITRINE_CLIP"))


def draw_by_clip(view: View, text: str) -> None:
    """What the words find, or what is missing first. Raises CheckpointError: the model cannot be used."""
    folder = clip_folder()
    clip = _clip(str(folder), (folder / WEIGHTS).stat().st_mtime_ns)
    store = ClipStore(resources.settings().cache, clip.hash)
    stamp = store.path.stat().st_mtime_ns if store.path.exists() else 0
    vectors, waiting = _vectors(view.dataset.fingerprint, clip.hash, stamp, view, store)
    if waiting:
        st.caption(f"CLIP has not looked at {waiting:,} of {len(view.dataset):,} images yet.")
        argv = ["-m", "core", "clip-index", "--data", str(view.dataset.root)]
        key = f"clip:{view.dataset.fingerprint}:{clip.hash[:16]}"
        launch(key, "Looking at the images", "Let CLIP look at them", argv, icon="visibility")
    if vectors is None or not vectors.usable.any():
        return
    if unreadable := len(view.dataset) - int(vectors.usable.sum()) - waiting:
        st.caption(f"{count(unreadable, 'image')} cannot be read, so CLIP never finds them.")
    if not text.strip():
        st.info("Type what to look for, in any words.", icon=":material/search:")
        return
    found = search_clip(vectors, clip, text, k=MOST, keep=np.asarray(view.mask))
    draw_found(view, found, key="clip")


@st.cache_resource(show_spinner="Opening CLIP", max_entries=1)
def _clip(folder: str, stamp: int) -> Clip:
    return Clip(Path(folder))


@st.cache_resource(show_spinner=False, max_entries=4)
def _vectors(
    fingerprint: str, model: str, stamp: int, _view: View, _store: ClipStore
) -> tuple[Vectors | None, int]:
    """None where CLIP has embedded none of these images; and how many it has yet to look at."""
    waiting = _store.waiting(_view.dataset)
    try:
        return _store.vectors(_view.dataset), waiting
    except CheckpointError:
        return None, waiting
