"""Classes: the per-class report with intervals, and one class in depth."""

from __future__ import annotations

import streamlit as st

from core.evaluation import ClassReport
from core.figures.classes import NAMES, class_bars, picked_label
from pages.ui.classes import SORTS, draw_class, draw_table, sorted_rows
from pages.ui.controls import choice, choose, picker
from pages.ui.coverage import draw_coverage
from pages.ui.errors import guard
from pages.ui.results import view_report
from pages.ui.shell import page
from pages.ui.state import View
from pages.ui.text import count
from pages.ui.theme import mode

MOST_BARS = 40
NOTHING = "No image of this selection has a known label for this head. Widen the filters in the sidebar."


def headline(report: ClassReport) -> None:
    """The head's scores, each with its interval and what it rests on."""
    objects = "" if report.instances is None else f" of {count(report.instances, 'object')}"
    support = f"{count(report.n, 'image')}{objects}"
    figures = (
        ("Accuracy", report.accuracy.text()),
        ("Balanced accuracy", report.balanced_accuracy.text()),
        ("Macro F1", report.macro_f1.text()),
        ("Weighted F1", report.weighted_f1.text()),
        (f"Top {report.k}", report.top_k.text()),
        ("Log-loss", report.log_loss.text(percent=False)),
    )
    with st.container(horizontal=True, gap="large"):
        for name, value in figures:
            main, _, interval = value.partition(" (")
            with st.container(width="content", gap=None):
                st.metric(name, main)
                st.caption(interval.rstrip(")") or "no images")
    st.caption(f"With 95 % intervals, on {support}.")


def _picked() -> None:
    """A bar was clicked: the label it stands for is looked at in depth."""
    label = picked_label(st.session_state["bars"])
    if label is not None:
        choose("class", label)


@st.fragment(key="classes")
def explore(view: View) -> None:
    """Bars, table and one class; choosing a class reruns only this."""
    with guard():
        report = view_report(view)
        if not report.rows:
            st.info(NOTHING)
            return
        with st.container(horizontal=True, gap="medium"):
            score = choice("Score", "score", NAMES, "f1")  # type: ignore[arg-type]
            order = choice("Sort by", "order", SORTS, "worst")
        rows = sorted_rows(report, score, order)  # type: ignore[arg-type]
        labels = [row.label for row in rows]
        left, right = st.columns([2, 3], gap="large")
        with left:
            figure = class_bars(rows[:MOST_BARS], score, mode())  # type: ignore[arg-type]
            config = {"displayModeBar": False}
            st.plotly_chart(figure, key="bars", config=config, on_select=_picked, selection_mode="points")
            if len(rows) > MOST_BARS:
                st.caption(f"The first {MOST_BARS} of {len(rows)} labels; the table has all.")
        with right:
            draw_table(rows)
        chosen = picker("Class in depth", "class", labels, labels[0])
        draw_class(view, next(row for row in rows if row.label == chosen))


with page("Classes") as view:
    draw_coverage(view)
    headline(view_report(view))
    explore(view)
