"""Runs side by side: one head's validation measure over the epochs of several runs."""

from __future__ import annotations

import streamlit as st

from core.figures.training import MEASURES, comparison_figure
from pages.ui.errors import guard
from pages.ui.text import md
from pages.ui.theme import mode
from pages.ui.training_jobs import runner

MOST = 6


@st.fragment(key="training.compare")
def draw_comparison() -> None:
    """Curves of the runs that are chosen; nothing where there are fewer than two."""
    with guard():
        jobs = {job.id: job for job in runner().jobs()}
        records = {run_id: runner().metrics(run_id) for run_id in jobs}
        known = [run_id for run_id in jobs if records[run_id]]
        if len(known) < 2:
            return
        st.subheader("Compare runs", anchor=False)
        chosen = st.multiselect(
            "Runs", known, known[:2], format_func=lambda run_id: jobs[run_id].spec.name, max_selections=MOST
        )
        tasks = list(dict.fromkeys(task for run_id in chosen for task in records[run_id][0]["val"]))
        if not tasks:
            return
        with st.container(horizontal=True):
            task = st.selectbox("Head", tasks, key="compare.task", format_func=md)
            measure = st.selectbox(
                "Measure", list(MEASURES), format_func=MEASURES.__getitem__, key="compare.measure"
            )
        shown = {
            f"{jobs[run_id].spec.name} ({jobs[run_id].spec.recipe.name})": records[run_id]
            for run_id in chosen
        }
        figure = comparison_figure(shown, task, measure, mode())
        st.plotly_chart(figure, key="compare.figure", config={"displayModeBar": False})
        st.caption("Validation picks epochs and so flatters; which checkpoint is better is decided on test.")
