"""The details of one image: full-size view, what every head says, the nearest training images, Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import VitrineError
from core.explain import Neighbour, nearest
from core.store import Predictions
from pages.ui import pictures
from pages.ui.attention import attention
from pages.ui.cards import caption_of, mount_cards
from pages.ui.heads import heads
from pages.ui.locate import locate_link
from pages.ui.state import View, link
from pages.ui.text import html, md

PARAMETER = "image"
"""Query parameter with the id of the image whose details are open."""

_ROW = "detail-row"
NEIGHBOURS = 5
SAME = 1e-4
"""Cosine distance below which two images are taken for copies of one another."""


def show_detail(view: View, row: int, page: Sequence[int] = ()) -> None:
    """Open the drawer with the details of `row`; `page` are the rows that previous and next walk through."""
    st.session_state[_ROW] = row
    _drawer(view, tuple(page) or (row,))


def deep_link(view: View) -> None:
    """Open the details of the image that the URL names. Call it once, at the end of a page."""
    asked = st.query_params.get(PARAMETER)
    context = get_script_run_ctx()
    if not asked or context is None or context.has_dialog_opened:
        return
    found = np.flatnonzero((view.dataset.table["image_id"] == asked).to_numpy())
    if len(found):
        show_detail(view, int(found[0]))
    else:
        _forget()


def _forget() -> None:
    if PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


@st.dialog("Image", width="medium", position="right", icon=":material/image_search:", on_dismiss=_forget)
def _drawer(view: View, page: tuple[int, ...]) -> None:
    row = _walk(view, page)
    st.query_params[PARAMETER] = str(view.dataset.table["image_id"].iat[row])
    picture, facts = st.columns([1, 1], gap="medium")
    with picture:
        _picture(view, row)
    with facts:
        _facts(view, row)
        _alike(view, row)
        locate_link(view, row)
    st.subheader("What each head says", anchor=False)
    _heads(view, row)
    st.subheader("Nearest training images", anchor=False)
    _neighbours(view, row)
    st.subheader("Where the network looked", anchor=False)
    attention(view, row)


def _walk(view: View, page: tuple[int, ...]) -> int:
    """Draw previous and next; the row to show."""
    row = int(st.session_state[_ROW])
    place = page.index(row) if row in page else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, icon, step in (
            ("Previous", ":material/arrow_back:", -1),
            ("Next", ":material/arrow_forward:", 1),
        ):
            target = (
                page[(place or 0) + step] if place is not None and 0 <= place + step < len(page) else None
            )
            st.button(
                name, icon=icon, key=f"detail-{name}", disabled=target is None, on_click=_go, args=(target,)
            )
        if place is not None and len(page) > 1:
            st.caption(f"{place + 1} of {len(page)} on this page", width="content")
        elif page and row not in page:
            st.button(
                "Back to the first image", key="detail-back", on_click=_go, args=(page[0],), type="tertiary"
            )
    return row


def _go(row: int | None) -> None:
    if row is not None:
        st.session_state[_ROW] = row


def _picture(view: View, row: int) -> None:
    address = pictures.full_address(view.dataset, row)
    if not address:
        st.warning("This image cannot be read.", icon=":material/broken_image:")
        return
    st.html(
        f'<img src="{html(address)}" alt="{html(caption_of(view, row))}" style="width:100%;max-height:26rem;'
        'object-fit:contain;border-radius:0.5rem;background:rgba(128,128,128,0.12);display:block">'
    )


def _facts(view: View, row: int) -> None:
    record = view.dataset.table.iloc[row]
    st.markdown(f"**{md(caption_of(view, row))}**")
    pairs = [
        ("Split", record["split"]),
        ("Object", record["instance_id"] or "not known"),
        ("Size", f"{record['width']} × {record['height']} pixels"),
        ("File", record["path"]),
        *((name, record[name]) for name in view.dataset.metadata),
    ]
    rows = "".join(
        f'<div style="opacity:0.65">{html(name)}</div><div style="overflow-wrap:anywhere">{html(value)}</div>'
        for name, value in pairs
    )
    style = "display:grid;grid-template-columns:max-content 1fr;gap:0.3rem 0.9rem;font-size:0.88rem"
    st.html(f'<div style="{style}">{rows}</div>')


def _alike(view: View, row: int) -> None:
    """A button to the search for images like this one."""
    from pages.ui.shell import page_file

    file = page_file("Retrieval")
    # a link to the page one is on does nothing, so it is a button
    if file is not None and st.button(
        "Find images like this", icon=":material/image_search:", key="detail-alike", type="tertiary"
    ):
        wanted = {"mode": "image", "like": str(view.dataset.table["image_id"].iat[row])}
        st.switch_page(file, query_params=link(view.selection, **wanted))


def _heads(view: View, row: int) -> None:
    labels = {task.name: task.labels for task in view.predictions.taxonomy.tasks}
    truth = {
        name: view.dataset.taxonomy[name].labels[code]
        for name in view.dataset.taxonomy.names
        if (code := int(view.dataset.codes(name)[row])) >= 0
    }
    heads(row_probabilities(view.predictions, row), labels, truth=truth, key="detail-heads")


def row_probabilities(predictions: Predictions, row: int) -> dict[str, npt.NDArray[np.float32]]:
    """Calibrated probabilities (L,) of every head for one row; NaN where it is not indexed."""
    from scipy.special import softmax

    return {
        task: softmax(logits[row] / predictions.temperature.get(task, 1.0))
        for task, logits in predictions.logits.items()
    }


def _neighbours(view: View, row: int) -> None:
    try:
        found = nearest_training(
            view, embedding_of(view, row), exclude=row, instance=int(view.dataset.instances[row])
        )
    except VitrineError as error:
        st.caption(md(f"{error.title}. {error.fix}"))
        return
    clicked = show_neighbours(view, found, key="detail-nearest")
    if clicked is not None:
        _go(clicked)
        st.rerun(scope="fragment")


def nearest_training(
    view: View, query: npt.NDArray[np.float32], *, exclude: int | None = None, instance: int | None = None
) -> tuple[Neighbour, ...]:
    """The nearest images of the training split, or of all where there is none, under its checkpoint."""
    dataset = view.dataset
    rows = dataset.split_mask("train" if "train" in dataset.splits else "all")
    return nearest(
        embeddings(view),
        query,
        rows=rows,
        k=NEIGHBOURS,
        exclude=exclude,
        instances=dataset.instances if dataset.has_instances else None,
        instance=instance,
    )


def show_neighbours(view: View, found: Sequence[Neighbour], *, key: str) -> int | None:
    """Draw near images with their distances; the row that was clicked, or None."""
    by_row = {neighbour.row: neighbour for neighbour in found}

    def note(row: int) -> str:
        neighbour = by_row[row]
        same = " · same object" if neighbour.same_instance else ""
        return f"{'a copy' if neighbour.distance < SAME else f'distance {neighbour.distance:.3f}'}{same}"

    return mount_cards(view, tuple(by_row), key=key, label="Nearest images", note=note, width="7.5rem")


def embedding_of(view: View, row: int) -> npt.NDArray[np.float32]:
    """The embedding (D,) float32 of one row."""
    return np.asarray(embeddings(view)[row], dtype=np.float32)


def embeddings(view: View) -> npt.NDArray[np.floating]:
    """Embeddings (N, D) of the view's predictions, kept for the last two that were looked at."""
    from pages.ui import resources

    return _embeddings(*resources.features(view.dataset, view.predictions), view.predictions)


@st.cache_resource(show_spinner="Reading embeddings", max_entries=2)
def _embeddings(
    fingerprint: str, checkpoint: str, state: str, _predictions: Predictions
) -> npt.NDArray[np.floating]:
    return _predictions.compact_embeddings()
