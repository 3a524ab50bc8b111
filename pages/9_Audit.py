"""Audit: what can be learnt from a data set, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from pages.ui.audit_images import draw_poor, draw_rest, draw_slices
from pages.ui.audit_labels import draw_issues, draw_learnability
from pages.ui.audit_leaks import draw_duplicates, draw_leaks
from pages.ui.audit_result import Result, auditor, read_result
from pages.ui.audit_run import draw_run
from pages.ui.errors import guard
from pages.ui.shell import page
from pages.ui.state import View
from pages.ui.text import md

NAMES = ("Learnability", "Labels", "Near-duplicates", "Leaks", "Weak slices", "Poor images", "The rest")


@st.fragment(key="audit")
def explore(view: View, found: Result) -> None:
    """The findings, one kind at a time; only the open one is drawn."""
    draw = {
        "Learnability": lambda: draw_learnability(found),
        "Labels": lambda: draw_issues(view, found),
        "Near-duplicates": lambda: draw_duplicates(view, found),
        "Leaks": lambda: draw_leaks(view, found),
        "Weak slices": lambda: draw_slices(view, found),
        "Poor images": lambda: draw_poor(view, found),
        "The rest": lambda: draw_rest(found),
    }
    for name, tab in zip(NAMES, st.tabs(NAMES, on_change="rerun", key="audit.tab"), strict=True):
        if tab.open:
            with tab, guard():
                draw[name]()


with page(
    "Audit", "Over all splits and images: what can be learnt, and what is wrong with the data."
) as view:
    judge = auditor(view)
    result = read_result(view.dataset, judge)
    if result is not None:
        when = datetime.fromtimestamp(result.when, UTC).strftime("%Y-%m-%d %H:%M UTC")
        st.caption(f"Judged by the features of {md(judge.name)}, {when}. Filters do not narrow the audit.")
        explore(view, result)
    draw_run(view, judge, again=result is not None)
