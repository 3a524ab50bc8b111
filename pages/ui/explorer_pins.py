"""Pins on the map: an image that a link names, an uploaded photograph, the hits of a search by words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import VitrineError
from core.figures.pins import Pin
from core.projection import Projection, middle, place_embedding
from pages.ui import explorer_maps
from pages.ui.cards import caption_of
from pages.ui.errors import show
from pages.ui.explorer_picked import keep
from pages.ui.locate import AT
from pages.ui.retrieval_sources import playground
from pages.ui.state import View
from pages.ui.text import count, md
from pages.ui.upload import LARGEST_MB, TYPES, embedding_of_upload, read_uploads

WORDS = "pin"
"""Query parameter with the words of the search that is pinned."""
HITS = 20
_LOCATED = "explorer.located"
_TEXT, _FILE = "explorer.pin.words", "explorer.pin.file"


def draw_pins(view: View, projection: Projection) -> list[Pin]:
    """The controls that drop a pin, and the pins that there are, each with a line of what it means."""
    pins: list[Pin] = []
    notes: list[str] = []
    located = _located(view, projection, notes)
    pins += [located] if located else []
    with st.popover("Drop a pin", icon=":material/add_location_alt:", key="explorer.pin"):
        st.caption("A pin shows where a search or a photograph of yours lies among the images of this map.")
        _words_box()
        files = st.file_uploader(
            f"A photograph, up to {LARGEST_MB} MB", type=TYPES, max_upload_size=LARGEST_MB, key=_FILE
        )
        if files is not None:
            pins += _uploaded(view, projection, files, notes)
    found = _searched(view, projection, notes)
    pins += [found] if found else []
    for note in notes:
        st.caption(f":material/location_on: {note}")
    if located is not None:
        st.button("Take the mark away", icon=":material/close:", type="tertiary", on_click=_forget)
    return pins


def _located(view: View, projection: Projection, notes: list[str]) -> Pin | None:
    """The image that the link names; it is picked once, so that its neighbours are shown beside the map."""
    asked = st.query_params.get(AT)
    if not asked:
        return None
    found = np.flatnonzero((view.dataset.table["image_id"] == asked).to_numpy())
    if not len(found):
        notes.append("The image that the link names is not in this data set.")
        return None
    row = int(found[0])
    if st.session_state.get(_LOCATED) != asked:
        st.session_state[_LOCATED] = asked
        keep(view, found[:1])
    name = caption_of(view, row)
    if not projection.shown[row]:
        notes.append(f"{md(name)} has no features under this checkpoint, so no place on the map.")
        return None
    outside = "" if view.mask[row] else " The filters leave it out, so the pin alone shows it."
    notes.append(f"The pin marks {md(name)}.{outside}")
    return Pin(name[:40], projection.coords[row], (row,), focus=True)


def _words_box() -> None:
    if _TEXT not in st.session_state:
        st.session_state[_TEXT] = str(st.query_params.get(WORDS, ""))[:200]
    st.text_input(
        "Words",
        key=_TEXT,
        max_chars=200,
        icon=":material/search:",
        placeholder="e.g. a colour and a class",
        on_change=_write_words,
        help="Matched with the labels that the heads predict, as on the Retrieval page.",
    )


def _searched(view: View, projection: Projection, notes: list[str]) -> Pin | None:
    text = str(st.query_params.get(WORDS, "")).strip()[:200]
    if not text:
        return None
    result = playground(view, [view.predictions]).by_text(text, k=HITS, keep=view.mask)
    rows = np.asarray(result.rows, dtype=np.int64)
    spot = middle(projection, rows)
    if spot is None:
        notes.append(f"No word of '{md(text)}' means anything to these heads, so there is no pin.")
        return None
    told = (
        "they lie together"
        if spot.gathered
        else "they lie far apart, so the pin between them marks no place of its own"
    )
    notes.append(
        f"'{md(text)}': words have no place in feature space. The pin is the middle of the "
        f"{count(len(rows), 'best hit')}, which are ringed; {told} (spread {spot.spread:.0%} of the map's)."
    )
    return Pin(text[:40], spot.place, tuple(int(row) for row in rows))


def _uploaded(view: View, projection: Projection, files: object, notes: list[str]) -> Sequence[Pin]:
    with st.spinner("Reading the image…", show_time=True):
        samples, refused = read_uploads([files])  # type: ignore[list-item]
    for item in refused:
        show(item.error)
    pins = []
    for sample in samples:
        try:
            embedding = embedding_of_upload(view.checkpoint, sample)
            place = place_embedding(explorer_maps.view_space(view), projection, embedding)
        except VitrineError as error:
            show(error)
            continue
        how = (
            "by its own components"
            if projection.parameters.method == "pca"
            else "among its 5 nearest images, as the map was not computed for it"
        )
        notes.append(f"{md(sample.name)} is placed {how}.")
        pins.append(Pin(sample.name[:40], place))
    return pins


def _write_words() -> None:
    text = str(st.session_state.get(_TEXT) or "").strip()
    if text:
        st.query_params[WORDS] = text
    elif WORDS in st.query_params:
        del st.query_params[WORDS]


def _forget() -> None:
    st.session_state.pop(_LOCATED, None)
    if AT in st.query_params:
        del st.query_params[AT]
