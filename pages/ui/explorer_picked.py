"""What was picked on the map: kept in the session as rows, shown as figures and images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.evaluation.report import accuracy
from core.evaluation.tally import tally
from core.explain import nearest
from pages.ui.cards import caption_of, mount_cards
from pages.ui.detail import embedding_of, embeddings, show_detail, show_neighbours
from pages.ui.gallery import gallery
from pages.ui.shell import page_file
from pages.ui.slices import draw_save
from pages.ui.state import View, link
from pages.ui.text import count, csv_cell, file_name, md

PICKED = "vitrine.explorer.picked"
HINTS = {
    2: ":material/gesture: Draw around points with the lasso to see their images; click one for its nearest "
    "neighbours.",
    3: ":material/3d_rotation: Drag to turn the map; click a point to see its image and its nearest "
    "neighbours. Choose 2-D to draw around several.",
}
"""How points are picked, by the map's dimensions: plotly has no lasso in 3-D."""
Rows = npt.NDArray[np.int64]
NEIGHBOURS = 12


def picked_rows(view: View) -> Rows:
    """The rows that were picked last in this data set and are still in the view, ascending."""
    fingerprint, rows = st.session_state.get(PICKED, ("", ()))
    if fingerprint != view.dataset.fingerprint:
        return np.zeros(0, dtype=np.int64)
    found = np.asarray(rows, dtype=np.int64)
    return found[view.mask[found]]


def take(view: View, event: Mapping[str, Any]) -> None:
    """Keep what a map's event says was picked. An event without points clears."""
    keep(view, np.asarray(rows_of(event, len(view.dataset)), dtype=np.int64))


def take_some(view: View, event: Mapping[str, Any]) -> None:
    """The same for a map whose figure changes with what is picked: it forgets its own selection then, which
    is not meant to clear."""
    if rows_of(event, len(view.dataset)):
        take(view, event)


def keep(view: View, rows: Rows) -> None:
    """Keep these rows as what is picked."""
    st.session_state[PICKED] = (view.dataset.fingerprint, rows)


def clear() -> None:
    """Forget what was picked."""
    st.session_state.pop(PICKED, None)


def rows_of(event: Mapping[str, Any], n: int) -> tuple[int, ...]:
    """The rows that a plotly event names, ascending: the browser may send anything, so they are checked."""
    points = event.get("selection", {}).get("points", [])
    found = (_row(point.get("customdata")) for point in points)
    return tuple(sorted({row for row in found if row is not None and 0 <= row < n}))


def draw_picked(view: View, rows: Rows, dimensions: int) -> None:
    """One image: its neighbours. Several: what they are, how the head did on them, and the images."""
    if not len(rows):
        st.caption(
            f"{HINTS[dimensions]} Scroll to zoom; a click in the legend hides a label. The details of any "
            "image, on any page, have a link that locates it here."
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Picked: {count(len(rows), 'image')}**", width="content")
        st.button("Clear", icon=":material/close:", on_click=clear, type="tertiary", key="explorer.clear")
    if len(rows) == 1:
        _one(view, int(rows[0]))
    else:
        _several(view, rows)


def _one(view: View, row: int) -> None:
    """The image and its nearest of all splits, by the embeddings and not by the picture."""
    opened = mount_cards(view, (row,), key="explorer.one", label="Picked image", width="11rem")
    found = nearest(
        embeddings(view),
        embedding_of(view, row),
        k=NEIGHBOURS,
        exclude=row,
        instances=view.dataset.instances if view.dataset.has_instances else None,
        instance=int(view.dataset.instances[row]),
    )
    st.markdown(f"Nearest to {md(caption_of(view, row))}, by cosine distance in feature space, all splits")
    clicked = show_neighbours(view, found, key="explorer.nearest")
    opened = clicked if clicked is not None else opened
    if opened is not None:
        show_detail(view, opened)


def _several(view: View, rows: Rows) -> None:
    mask = np.zeros_like(view.mask)
    mask[rows] = True
    share, whole = (accuracy(tally(view.outcomes, chosen)) for chosen in (mask, view.mask))
    st.markdown(
        f"Accuracy **{share.text()}** on {share.support()}; in the whole selection {whole.text()}. "
        "You chose these by looking, so a difference is a lead, not a finding."
        if share.n
        else "None of these has a known truth."
    )
    st.dataframe(
        class_mix(view, rows),
        hide_index=True,
        height="content" if len(rows) < 200 else 240,
        column_config={
            "share": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
            "in the view": st.column_config.NumberColumn(format="percent"),
        },
        key="explorer.mix",
    )
    _actions(view, rows)
    order = np.lexsort((-np.nan_to_num(view.outcomes.confidence[rows]), ~_wrong(view)[rows]))
    gallery(view, rows[order], key="explorer", page_size=12, label="Picked images, mistakes first")


def class_mix(view: View, rows: Rows) -> pd.DataFrame:
    """Labels among the picked rows: images, share, share in the whole view, mistakes; most images first."""
    outcomes = view.outcomes
    names = [*outcomes.labels, "not known"]
    size = len(names)
    here, everywhere, wrong = (
        np.bincount(outcomes.truth[some] % size, minlength=size)  # -1 becomes the last name
        for some in (rows, view.rows, rows[_wrong(view)[rows]])
    )
    table = pd.DataFrame(
        {
            outcomes.task: names,
            "images": here,
            "share": here / max(len(rows), 1),
            "in the view": everywhere / max(len(view.rows), 1),
            "wrong": wrong,
        }
    )
    return table[here > 0].sort_values("images", ascending=False, kind="stable")


def selection_csv(view: View, rows: Rows) -> bytes:
    """The picked rows as a table: file, split, object, truth, prediction, confidence."""
    outcomes, table = view.outcomes, view.dataset.table
    labels = np.array([*outcomes.labels, ""], dtype=object)
    found = pd.DataFrame(
        {
            "path": table["path"].iloc[rows],
            "split": table["split"].iloc[rows].astype(str),
            "instance_id": table["instance_id"].iloc[rows],
            "truth": labels[outcomes.truth[rows]],
            "prediction": labels[outcomes.prediction[rows]],
            "confidence": outcomes.confidence[rows].round(4),
        }
    )
    text = found.columns[:-1]
    found[text] = found[text].astype(str).map(csv_cell)
    return found.to_csv(index=False).encode()


def _actions(view: View, rows: Rows) -> None:
    wrong = rows[_wrong(view)[rows]]
    labels = sorted({view.outcomes.labels[code] for code in view.outcomes.truth[wrong]})
    with st.container(horizontal=True, vertical_alignment="center"):
        draw_save(view, rows, f"picked on the map · {view.selection.describe()}", key="slice.picked")
        st.download_button(
            "Rows as CSV",
            lambda: selection_csv(view, rows),
            file_name=f"{file_name(view.dataset.name)}-picked.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        these = md(labels[0]) if len(labels) == 1 else "these labels"
        narrowed = link(replace(view.selection.cleared(), truth=tuple(labels)))
        for page, title, icon in (
            ("Mistakes", f"All mistakes of {these}", "error"),
            ("Confusion", f"Confusions of {these}", "grid_on"),
        ):
            file = page_file(page)
            if labels and file is not None:
                st.page_link(file, label=title, icon=f":material/{icon}:", query_params=narrowed)


def _wrong(view: View) -> npt.NDArray[np.bool_]:
    return np.asarray(view.outcomes.scored & ~view.outcomes.correct)


def _row(value: object) -> int | None:
    """One integer, alone or as the only one of a list or of an object, as Plotly's versions send it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return (
        value
        if type(value) is int
        else int(value)
        if isinstance(value, float) and value.is_integer()
        else None
    )
