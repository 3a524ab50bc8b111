"""Named slices on pages: save what is picked, choose slices as a filter, rename and delete them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.errors import VitrineError
from core.slices import LONGEST, NamedSlice, add_slice, delete_slice, read_slices, rename_slice
from pages.ui import resources
from pages.ui.errors import show
from pages.ui.state import View, select, selection
from pages.ui.text import count, md

_ERROR = "vitrine.slices.error"
_SAVED = "vitrine.slices.saved"
"""The name of a slice that was saved just now, perhaps from a part of a page that runs alone: the whole page
has to run anew so that the sidebar lists it."""
_TOLD = "vitrine.slices.told"
"""The same once the page runs anew: still to be told."""


def draw_save(
    view: View, rows: npt.NDArray[np.int64], about: str, *, key: str, stretch: bool = False
) -> None:
    """A button that saves `rows` under a name; `about` says how they were chosen. Not in read-only mode."""
    if resources.settings().read_only or not len(rows):
        return
    width = "stretch" if stretch else "content"
    with (
        st.popover("Save as slice", icon=":material/bookmark_add:", key=f"{key}.save", width=width),
        st.form(f"{key}.form", border=False),
    ):
        st.text_input(
            f"Name of these {count(len(rows), 'image')}",
            key=f"{key}.name",
            max_chars=LONGEST,
            help="The images themselves are kept, so the slice stays the same under every checkpoint. "
            "It is listed among the filters of every page, for every visitor.",
        )
        st.form_submit_button("Save", type="primary", on_click=_save, args=(view, rows, about, f"{key}.name"))
    saved = st.session_state.pop(_SAVED, "")
    if saved:
        st.session_state[_TOLD] = saved
        st.rerun()
    _draw_error()


def draw_filter(view: View) -> None:
    """The saved slices as a filter, and the way to rename and delete them."""
    if not view.slices:
        return
    told = st.session_state.pop(_TOLD, "")
    if told:
        st.toast(f"Saved {md(told)}: a filter of every page now.", icon=":material/bookmark_added:")
    key = "vitrine.slices"
    names = list(view.slices)
    if st.session_state.get(key) != list(view.selection.slices):
        st.session_state[key] = list(view.selection.slices)
    st.multiselect("Slices", names, key=key, on_change=_chosen, placeholder="Any")
    if resources.settings().read_only:
        return
    with st.popover("Rename or delete slices", icon=":material/bookmarks:", width="stretch"):
        name = str(st.selectbox("Slice", names, key=f"{key}.which") or names[0])
        found = next(
            (one for one in read_slices(resources.slices_file(view.dataset)) if one.name == name), None
        )
        if found is None:
            return
        here = count(int(view.slices[name].sum()), "image")
        absent = len(found.images) - int(view.slices[name].sum())
        gone = f", {absent:,} more are no longer in the data set" if absent else ""
        st.caption(f"{here}{gone}. Saved {md(found.made[:10])} from: {md(found.about)}")
        st.text_input("New name", value=name, key=f"{key}.new.{name}", max_chars=LONGEST)
        with st.container(horizontal=True):
            st.button("Rename", key=f"{key}.rename", on_click=_rename, args=(view, name, f"{key}.new.{name}"))
            st.button(
                "Delete", icon=":material/delete:", key=f"{key}.delete", on_click=_delete, args=(view, name)
            )
    _draw_error()


def _chosen() -> None:
    select(slices=tuple(st.session_state["vitrine.slices"]))


def _save(view: View, rows: npt.NDArray[np.int64], about: str, field: str) -> None:
    images = tuple(str(name) for name in view.dataset.table["image_id"].iloc[rows])
    made = datetime.now(UTC).isoformat(timespec="seconds")
    new = NamedSlice(str(st.session_state.get(field, "")), images, about, made)

    def save() -> None:
        add_slice(resources.slices_file(view.dataset), new)
        st.session_state[field] = ""
        st.session_state[_SAVED] = new.name

    _try(save)


def _rename(view: View, name: str, field: str) -> None:
    def rename() -> None:
        new = rename_slice(resources.slices_file(view.dataset), name, str(st.session_state[field]))
        chosen = tuple(new if one == name else one for one in selection().slices)
        select(slices=chosen)

    _try(rename)


def _delete(view: View, name: str) -> None:
    def delete() -> None:
        delete_slice(resources.slices_file(view.dataset), name)
        select(slices=tuple(one for one in selection().slices if one != name))

    _try(delete)


def _try(work: Callable[[], Any]) -> None:
    """In a callback nothing may be drawn: an error waits for the run that follows. Who may only look is
    stopped here too, for a page may have been opened before."""
    if resources.settings().read_only:
        return
    try:
        work()
    except VitrineError as error:
        st.session_state[_ERROR] = error


def _draw_error() -> None:
    error = st.session_state.pop(_ERROR, None)
    if isinstance(error, VitrineError):
        show(error)
