"""Slices: a head's accuracy by any attributes, and a search for the parts on which it is weak."""

from __future__ import annotations

import streamlit as st

from pages.ui.controls import choice
from pages.ui.errors import guard
from pages.ui.fair import note_filters
from pages.ui.shell import page
from pages.ui.slice_table import by_columns, draw_slices, found_weak
from pages.ui.state import View

WAYS = {"by": "By attributes of your choice", "search": "Search for weak slices"}


@st.fragment(key="slices")
def explore(view: View) -> None:
    """The table that is asked for and the images of one slice; choosing redraws only this."""
    with guard():
        way = choice("Show", "ways", WAYS, "by")
        draw_slices(view, by_columns(view) if way == "by" else found_weak(view))


with page("Slices", "How good the head is on any part of the images, and where it is weak.") as view:
    note_filters(view)
    explore(view)
