"""Heads: all heads of a checkpoint at once, and whether their errors come together."""

from __future__ import annotations

import streamlit as st

from pages.ui.fair import note_filters
from pages.ui.shell import page
from pages.ui.together import draw_conditions, draw_heads, draw_pairs, headline, view_together

with page(
    "Heads", "All heads at once: how often everything is right, and which errors come together."
) as view:
    note_filters(view)
    found = view_together(view)
    if found is not None:
        headline(view, found)
        st.subheader("Each head", anchor=False)
        draw_heads(view, found)
        st.subheader("One head given another", anchor=False)
        draw_conditions(found)
        st.subheader("Errors in company", anchor=False)
        draw_pairs(view, found)
