"""The per-class report as a table, and one class in depth: errors, extremes, confusions, threshold."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.errors import SelectionError
from core.evaluation import ClassReport, ClassRow, Estimate, mistakes, threshold_curve
from core.figures.classes import Score
from core.figures.thresholds import threshold_figure
from pages.ui.controls import choose
from pages.ui.gallery import gallery
from pages.ui.state import View
from pages.ui.text import count, md
from pages.ui.theme import mode

Sort = Literal["worst", "best", "label", "support"]
SORTS = {"worst": "Worst first", "best": "Best first", "support": "Most images", "label": "Label"}
Rows = npt.NDArray[np.int64]


def sorted_rows(report: ClassReport, score: Score, order: Sort) -> tuple[ClassRow, ...]:
    """The report's rows in the asked order; rows without that score come last."""
    if order == "label":
        return report.rows
    if order == "support":
        return tuple(sorted(report.rows, key=lambda row: -row.support))
    sign = 1 if order == "worst" else -1

    def place(row: ClassRow) -> tuple[bool, float]:
        value = getattr(row, score).value
        return math.isnan(value), 0.0 if math.isnan(value) else sign * value

    return tuple(sorted(report.rows, key=place))


def draw_table(rows: tuple[ClassRow, ...]) -> None:
    """Every label: scores as sortable numbers, intervals beside them, counts; a click chooses the label."""
    table = pd.DataFrame([_table_row(row) for row in rows])
    percent = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= 16 else 640,
        placeholder="–",
        column_config={"F1": percent, "Precision": percent, "Recall": percent},
        key="table",
        on_select=_chosen_in_table,
        selection_mode="single-row",
    )
    st.session_state["vitrine.table"] = [row.label for row in rows]
    st.caption(
        "Per cent, with 95 % intervals. Click a row or a bar for the class in depth; a column's head sorts."
    )


def draw_class(view: View, row: ClassRow) -> None:
    """One label: its figures, then its images and its threshold."""
    figures = ", ".join(
        f"{name} {getattr(row, name.lower()).text()}" for name in ("F1", "Precision", "Recall")
    )
    st.markdown(
        f"**{md(row.label)}**: {figures}; {row.recall.support()}, predicted {count(row.predicted, 'time')}."
    )
    code = view.outcomes.code(row.label)
    names = ["Errors", "Worst and best", "Confused with", "Threshold"]
    tabs = dict(zip(names, st.tabs(names, on_change="rerun", key="depth"), strict=True))
    draw = {
        "Errors": _errors,
        "Worst and best": _extremes,
        "Confused with": _confused,
        "Threshold": _threshold,
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab:
                draw[name](view, row, code)


def _errors(view: View, row: ClassRow, code: int) -> None:
    outcomes = view.outcomes
    wrong = mistakes(outcomes, view.mask)
    missed = _by_confidence(view, wrong & (outcomes.truth == code))
    false = _by_confidence(view, wrong & (outcomes.prediction == code))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**Missed**: {count(len(missed), 'image')} of {md(row.label)} called something else")
        gallery(view, missed, key="missed", page_size=12)
    with right:
        st.markdown(
            f"**Wrongly called so**: {count(len(false), 'image')} of something else called {md(row.label)}"
        )
        gallery(view, false, key="false", page_size=12)


def _extremes(view: View, row: ClassRow, code: int) -> None:
    """The images of the label to which the head gives least and most probability."""
    rows = np.flatnonzero(view.mask & (view.outcomes.truth == code) & view.outcomes.answered)
    given = view.outcomes.probabilities[rows, code]
    ordered = rows[np.argsort(given, kind="stable")].astype(np.int64)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Worst**: least probability for the true label first")
        gallery(view, ordered[:12], key="worst", page_size=12)
    with right:
        st.markdown("**Best**: most probability for the true label first")
        gallery(view, ordered[::-1][:12].copy(), key="best", page_size=12)


def _confused(view: View, row: ClassRow, code: int) -> None:
    """Both directions of confusion, in images."""
    outcomes = view.outcomes
    wrong = mistakes(outcomes, view.mask)
    taken = np.bincount(outcomes.prediction[wrong & (outcomes.truth == code)], minlength=len(outcomes.labels))
    given = np.bincount(outcomes.truth[wrong & (outcomes.prediction == code)], minlength=len(outcomes.labels))
    both = np.flatnonzero(taken + given)
    if not len(both):
        st.success(f"{md(row.label)} is confused with nothing in this selection.")
        return
    table = pd.DataFrame(
        {
            "Label": [outcomes.labels[k] for k in both],
            "taken for it": taken[both],
            "taken for this": given[both],
        }
    ).sort_values("taken for it", ascending=False, kind="stable")
    most = int(max(taken.max(), given.max()))
    bar = st.column_config.ProgressColumn(format="%d", min_value=0, max_value=most)
    columns = {"taken for it": bar, "taken for this": bar}
    st.dataframe(table, hide_index=True, column_config=columns, key="confused")


def _threshold(view: View, row: ClassRow, code: int) -> None:
    try:
        curve = threshold_curve(view.outcomes, view.mask, row.label)
    except SelectionError as error:
        st.caption(md(f"{error.title}. {error.cause}"))
        return
    st.plotly_chart(threshold_figure(curve, mode()), key="threshold", config={"displayModeBar": False})
    best = curve.best
    st.caption(
        f"{md(row.label)} against the rest on {count(curve.n, 'image')}, {curve.positives:,} of them of it. "
        f"F1 is highest ({100 * curve.f1[best]:.1f} %) from {curve.thresholds[best]:.2f} on. It is read "
        "off the images it is judged on: choose it on the validation split."
    )


def _by_confidence(view: View, mask: npt.NDArray[np.bool_]) -> Rows:
    rows = np.flatnonzero(mask)
    return rows[np.argsort(-view.outcomes.confidence[rows], kind="stable")].astype(np.int64)


def _table_row(row: ClassRow) -> dict[str, object]:
    found: dict[str, object] = {"Label": row.label}
    for name in ("F1", "Precision", "Recall"):
        estimate: Estimate = getattr(row, name.lower())
        found[name] = 100 * estimate.value
        found[f"{name} interval"] = _interval(estimate)
    found |= {"Images": row.support, "Objects": row.instances, "Predicted": row.predicted}
    return found | {"Taken for": ", ".join(f"{label} ({n})" for label, n in row.confused_with)}


def _interval(estimate: Estimate) -> str:
    return "" if math.isnan(estimate.low) else f"{100 * estimate.low:.0f} – {100 * estimate.high:.0f}"


def _chosen_in_table() -> None:
    labels = st.session_state.get("vitrine.table", [])
    rows = st.session_state["table"]["selection"]["rows"]
    if rows and rows[0] < len(labels):
        choose("class", labels[rows[0]])
