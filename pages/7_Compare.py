"""Compare: two to eight checkpoints on the same images, and whether these images can tell them apart."""

from __future__ import annotations

import streamlit as st

from pages.ui.compare_choice import choose_members
from pages.ui.compare_costs import draw_costs
from pages.ui.compare_ensemble import draw_ensemble
from pages.ui.compare_evidence import draw_evidence
from pages.ui.compare_figures import draw_figures
from pages.ui.compare_pair import draw_pair
from pages.ui.shell import page
from pages.ui.text import md

with page("Compare", "Which checkpoint is better, and whether these images can tell.") as view:
    group = choose_members(view)
    if group is not None:
        task = view.selection.task
        st.subheader(f"Evidence: {md(task)}", anchor=False)
        draw_evidence(group, task)
        if group.mask.any():
            draw_pair(group, task)
            st.subheader("Together", anchor=False)
            draw_ensemble(group, task)
        st.subheader("All heads", anchor=False)
        draw_figures(group)
        draw_costs(group, task)
