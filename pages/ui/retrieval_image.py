"""Search by image: an upload or an image of the data set, alone or weighed against words."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import VitrineError
from core.retrieval import ImageOptions, Picture
from pages.ui import pictures
from pages.ui.cards import caption_of, mount_cards
from pages.ui.controls import switch
from pages.ui.errors import show
from pages.ui.retrieval_hits import MOST, draw_beside, draw_found
from pages.ui.retrieval_sources import Asked, checkpoint_of, choose_sources, offer_index
from pages.ui.state import View
from pages.ui.text import count, html, md
from pages.ui.upload import LARGEST_MB, TYPES, Sample, embedding_of_upload, read_uploads
from pages.ui.workers import warm

LIKE = "like"
"""Query parameter with the id of the data set's image that is searched for."""
PAGE = 12
RERANK = 100
_WORDS = "retrieval-image-words"
_SHARE = "retrieval-image-weight"


def draw_by_image(view: View) -> None:
    """Draw the picture to search for, the choices and the results."""
    warm(view.checkpoint)
    left, right = st.columns([1, 2], gap="large")
    with left:
        sample, row = _choose(view)
    with right:
        if sample is None and row is None:
            st.info(
                "Upload a photograph or choose an image: the network finds what looks like it.",
                icon=":material/image_search:",
            )
            return
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            asked = choose_sources(view)
        _prepare(asked)
        options, words = _options(asked, row)
    _results(asked, sample, row, words, options)


def _choose(view: View) -> tuple[Sample | None, int | None]:
    """The upload, or the row of the data set, that is searched for."""
    files = st.file_uploader(
        f"A photograph, up to {LARGEST_MB} MB",
        type=TYPES,
        max_upload_size=LARGEST_MB,
        key="retrieval-file",
    )
    if files is not None:
        with st.spinner("Reading the image…", show_time=True):
            samples, refused = read_uploads([files])
        for item in refused:
            show(item.error)
        if samples:
            st.image(samples[0].preview, alt=samples[0].name, width="stretch")
            return samples[0], None
        return None, None
    row = _row(view)
    if row is not None:
        name = caption_of(view, row)
        address = pictures.full_address(view.dataset, row)
        if address:
            st.html(
                f'<img src="{html(address)}" alt="{html(name)}" style="width:100%;max-height:18rem;'
                'object-fit:contain;border-radius:0.5rem;background:rgba(128,128,128,0.12);display:block">'
            )
        st.caption(md(name))
    with st.expander("Choose an image of the data set", expanded=row is None, icon=":material/image:"):
        _pick(view)
    return None, row


def _row(view: View) -> int | None:
    """The row that the link names; None where there is no such image."""
    wanted = st.query_params.get(LIKE)
    if not wanted:
        return None
    found = np.flatnonzero((view.dataset.table["image_id"] == wanted).to_numpy())
    if not len(found):
        del st.query_params[LIKE]
        return None
    return int(found[0])


def _pick(view: View) -> None:
    pages = -(-len(view.rows) // PAGE)
    number = min(int(st.session_state.get("retrieval-pick-page") or 1), pages)
    shown = [int(row) for row in view.rows[(number - 1) * PAGE : number * PAGE]]
    clicked = mount_cards(view, shown, key="retrieval-pick", label="Images to search for", width="6rem")
    if pages > 1:
        st.pagination(pages, key="retrieval-pick-page")
    if clicked is not None:
        st.query_params[LIKE] = str(view.dataset.table["image_id"].iat[clicked])
        st.rerun(scope="fragment")


def _prepare(asked: Asked) -> None:
    """Read what is searched, once, and say that it takes a while."""
    waiting = [source for ground in asked.grounds for source in ground.sources if not source.ready]
    if waiting:
        with st.spinner(f"Preparing the search of {count(len(waiting[0]), 'image')}…", show_time=True):
            for source in waiting:
                _ = source.vectors
    offer_index(asked.views[0], asked)


def _options(asked: Asked, row: int | None) -> tuple[ImageOptions, str]:
    """Draw the choices of an image search; they and the words that go with the picture."""
    words = str(
        st.text_input(
            "And words, if you like",
            key=_WORDS,
            max_chars=200,
            icon=":material/search:",
            placeholder="e.g. the same in another colour",
        )
        or ""
    )
    weight, rerank = 0.5, 0
    if words.strip():
        weight = (
            st.slider(
                "Image or words",
                0,
                100,
                50,
                format="%d %%",
                key=_SHARE,
                help="The words' share: at 0 % only the image counts, at 100 % only the words.",
            )
            / 100
        )
        if switch(f"Only re-order the {RERANK} nearest by the words", "rerank", False):
            rerank = RERANK
    hide = (
        row is not None
        and asked.views[0].dataset.has_instances
        and switch("Hide the same object", "same", True)
    )
    exact = any(s.vectors.approximate for ground in asked.grounds for s in ground.sources) and switch(
        "Exact search", "exact", False
    )
    return ImageOptions(hide, exact, weight, rerank), words


def _results(asked: Asked, sample: Sample | None, row: int | None, words: str, options: ImageOptions) -> None:
    view, found = asked.views[0], []
    try:
        for ground in asked.grounds:
            if row is not None:
                picture = ground.picture(row)
            elif sample is not None:
                names = [source.name for source in ground.sources]
                picture = Picture(
                    {name: embedding_of_upload(checkpoint_of(view, name), sample) for name in names},
                    None,
                    sample.name,
                )
            else:
                return
            found.append(ground.by_image(picture, text=words, k=MOST, keep=view.mask, options=options))
    except VitrineError as error:
        show(error)
        return
    _about(asked)
    if len(found) == 1:
        draw_found(view, found[0], key="near", like=row)
    else:
        draw_beside(asked, found, like=row)


def _about(asked: Asked) -> None:
    vectors = [source.vectors for ground in asked.grounds for source in ground.sources]
    if any(found.approximate for found in vectors):
        recall = min(found.recall for found in vectors)
        st.caption(
            f"An index finds the neighbours; it keeps {recall:.1%} of the 20 nearest, measured on this data."
        )
