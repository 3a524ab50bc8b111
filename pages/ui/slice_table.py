"""The Slices page: which columns, the table of their combinations, and the images of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.evaluation import Outcomes
from core.evaluation.slices import LEAST, MOST_GROUPS, Slice, metrics_by, slice_columns, weak_slices
from pages.ui.controls import choose, picker
from pages.ui.fair import fair_mask
from pages.ui.gallery import gallery
from pages.ui.shell import page_file
from pages.ui.state import View, link
from pages.ui.text import count, md

NONE = "–"
PLACES = ("First column", "Second column", "Third column")
SUPPORTS = ("1", "5", "8", "20", "50", "100")
SURE = 0.05
Columns = Mapping[str, npt.NDArray[np.object_]]
Mask = npt.NDArray[np.bool_]


def by_columns(view: View) -> tuple[Slice, ...]:
    """Every combination of labels of the columns that are chosen here."""
    columns = _columns(view.dataset.fingerprint, view)
    if not columns:
        st.info("This data set has no column with two to sixty labels to divide its images by.")
        return ()
    names = list(columns)
    others = [name for name in names if name != view.selection.task] or names
    chosen: list[str] = []
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for k, label in enumerate(PLACES):
            left = [name for name in names if name not in chosen]
            chosen.append(picker(label, f"by{k + 1}", [NONE, *left] if k else left, NONE if k else others[0]))
        least = int(picker("At least so many images", "least", SUPPORTS, "5"))
    by = tuple(name for name in chosen if name != NONE)
    mask = fair_mask(view)
    found = _metrics((*view.key, *by), least, view.outcomes, mask, columns, by)
    st.caption(_about(view, found, mask, least))
    return found


def _about(view: View, found: tuple[Slice, ...], mask: Mask, least: int) -> str:
    judged = int((mask & view.outcomes.scored).sum())
    inside = sum(one.accuracy.n for one in found)
    more = f" Only the {MOST_GROUPS} largest are shown." if len(found) == MOST_GROUPS else ""
    return (
        f"{count(len(found), 'combination')} of at least {count(least, 'image')} each, with {inside:,} of "
        f"{count(judged, 'labelled image')}; the lowest accuracy first.{more}"
    )


def found_weak(view: View) -> tuple[Slice, ...]:
    """The weak slices that the search finds among the view's images."""
    columns = _columns(view.dataset.fingerprint, view)
    columns = {name: values for name, values in columns.items() if name != view.selection.task}
    found = _weak((*view.key, "weak"), view.outcomes, fair_mask(view), columns)
    sure = sum(one.q < SURE for one in found)
    st.markdown(
        f"**{count(sure, 'slice')}** on which {md(view.selection.task)} is weaker than on the rest, beyond "
        "what the number of combinations tried explains."
    )
    st.caption(
        f"Every combination of one to three conditions with at least {LEAST} images is tried, but for the "
        "head's own labels (the Classes page has those); the best supported come first, and parts of a slice "
        "that are no weaker than the whole are left out. A slice is worth most where the checkpoint was not "
        "trained: choose the test split, or see the Audit page, whose probes did not see the images that "
        "they judge."
    )
    return found


def draw_slices(view: View, found: tuple[Slice, ...]) -> None:
    """The table, and the images of the slice that is picked in it."""
    if not found:
        st.info("No combination has enough labelled images. Widen the filters, or ask for fewer images.")
        return
    names = [one.text for one in found]
    st.session_state["slices.names"] = names
    percent = st.column_config.NumberColumn(format="%.1f")
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        pd.DataFrame([_row(one) for one in found]),
        hide_index=True,
        height="content" if len(found) <= 12 else 460,
        column_config={"Accuracy": percent, "Rest": percent, "p": number, "q": number},
        placeholder="–",
        key="slices.table",
        on_select=_chosen_in_table,
        selection_mode="single-row",
    )
    st.caption(
        "Accuracy in per cent with 95 % intervals that know which images show one object. p: as weak against "
        "the rest by chance; q is p corrected for every combination tried (Benjamini-Hochberg). Click a row "
        "for its images."
    )
    chosen = picker("Images of", "slice-shown", names, names[0])
    _images(view, found[names.index(chosen)])


def _row(one: Slice) -> dict[str, Any]:
    gap = one.difference
    return {
        "Where": one.text,
        "Accuracy": 100 * one.accuracy.value,
        "95 %": f"{100 * one.accuracy.low:.1f} – {100 * one.accuracy.high:.1f}",
        "Rest": 100 * one.rest.value,
        "Difference": None
        if np.isnan(gap.value)
        else _points(100 * gap.value, 100 * gap.low, 100 * gap.high),
        "p": one.p,
        "q": one.q,
        "Images": one.accuracy.n,
        "Objects": one.accuracy.instances,
    }


def _points(value: float, low: float, high: float) -> str:
    return f"{value:+.1f} ({low:+.1f} – {high:+.1f})"


def _images(view: View, one: Slice) -> None:
    wrong = one.rows[~view.outcomes.correct[one.rows]]
    st.markdown(
        f"**{md(one.text)}**: accuracy {one.accuracy.text()} on {one.accuracy.support()}, elsewhere "
        f"{one.rest.text()}; {count(len(wrong), 'mistake')}."
    )
    narrowed = replace(view.selection, where=(*_kept(view, one), *one.where), outcome="all", notes=())
    for title, icon in (("Mistakes", "error"), ("Confusion", "grid_on")):
        file = page_file(title)
        if file is not None:
            st.page_link(
                file,
                label=f"This slice in {title}",
                icon=f":material/{icon}:",
                query_params=link(narrowed),
            )
    order = np.argsort(view.outcomes.correct[one.rows], kind="stable")
    gallery(
        view, one.rows[order].astype(np.int64), key="slice-images", page_size=12, label="Images of the slice"
    )


def _kept(view: View, one: Slice) -> tuple[tuple[str, str], ...]:
    """The sidebar's conditions on other columns: one on the same column would widen the slice."""
    own = {name for name, _ in one.where}
    return tuple(pair for pair in view.selection.where if pair[0] not in own)


def _chosen_in_table() -> None:
    names = st.session_state.get("slices.names", [])
    rows = st.session_state["slices.table"]["selection"]["rows"]
    if rows and rows[0] < len(names):
        choose("slice-shown", names[rows[0]])


@st.cache_resource(show_spinner=False, max_entries=4)
def _columns(fingerprint: str, _view: View) -> Columns:
    return slice_columns(_view.dataset)


@st.cache_resource(show_spinner="Counting", max_entries=32)
def _metrics(
    key: tuple[str, ...],
    least: int,
    _outcomes: Outcomes,
    _mask: Mask,
    _columns: Columns,
    _by: tuple[str, ...],
) -> tuple[Slice, ...]:
    return metrics_by(_outcomes, _mask, _columns, _by, least)


@st.cache_resource(show_spinner="Trying every combination", max_entries=16)
def _weak(key: tuple[str, ...], _outcomes: Outcomes, _mask: Mask, _columns: Columns) -> tuple[Slice, ...]:
    return weak_slices(_outcomes, _mask, _columns)
