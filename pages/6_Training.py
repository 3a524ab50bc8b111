"""Training: choose, check, launch, watch, and compare runs."""

from __future__ import annotations

import streamlit as st

from pages.ui.access import launch_access
from pages.ui.shell import page
from pages.ui.training_compare import draw_comparison
from pages.ui.training_form import draw_form, form_open
from pages.ui.training_jobs import REFRESH_SECONDS, any_active, draw_jobs
from pages.ui.training_run import draw_run

with page("Training", needs_view=False):
    access = launch_access()
    if not access.allowed:
        st.info(access.reason, icon=":material/lock:")
        if access.login:
            st.button("Log in", on_click=st.login)
    with st.expander("New run", expanded=form_open(), icon=":material/add:"):
        draw_form(access)
    every = REFRESH_SECONDS if any_active() else None
    st.subheader("Runs", anchor=False)
    st.fragment(draw_jobs, run_every=every)(access)
    st.fragment(draw_run, run_every=every)()
    draw_comparison()
