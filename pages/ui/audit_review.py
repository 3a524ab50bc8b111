"""The review queue: suspected labels one at a time, each marked "label wrong" or "fine"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from core.audit.review import Decision, Mark, add_mark, drop_mark, marks_csv, read_marks
from pages.ui import resources
from pages.ui.audit_corrected import offer_corrected
from pages.ui.audit_result import Result
from pages.ui.cards import mount_cards
from pages.ui.detail import show_detail
from pages.ui.errors import guard
from pages.ui.state import View
from pages.ui.text import count, csv_cell, file_name, md

_SKIPPED = "audit.skipped"


def review_file(view: View) -> Path:
    """Where the marks on this data set lie: by its name, since a corrected label changes its fingerprint."""
    return resources.settings().saved / "reviews" / f"{file_name(view.dataset.name)}.json"


def draw_review(view: View, found: Result, issues: Sequence[dict[str, Any]]) -> None:
    """The next label without a mark, the buttons, how far the review is, and the marks as CSV."""
    file, task = review_file(view), view.selection.task
    marks = read_marks(file)
    decided = {mark.key for mark in marks}
    skipped = st.session_state.setdefault(_SKIPPED, set())
    open_ = [one for one in issues if _key(task, one) not in decided]
    left = [one for one in open_ if _key(task, one) not in skipped] or open_
    done = len(issues) - len(open_)
    if issues:
        st.progress(done / len(issues), text=f"{done:,} of {count(len(issues), 'label')} reviewed")
    if left and resources.settings().read_only:
        st.caption("This dashboard is read-only: labels cannot be marked here.")
    elif left:
        _one(view, found, left[0], file)
    elif issues:
        st.success(f"Every listed label of {md(task)} has been reviewed.")
    _kept(view, marks, file)


def _one(view: View, found: Result, issue: dict[str, Any], file: Path) -> None:
    row, task = found.places[issue["path"]], view.selection.task
    picture, words = st.columns([2, 3], gap="large")
    with picture:
        clicked = mount_cards(view, (row,), key="audit-review", label="To be reviewed", width="14rem")
    with words:
        st.markdown(
            f"Labelled **{md(issue['given'])}**; the image rather says **{md(issue['suggested'])}** "
            f"(label quality {issue['score']:.3f})."
        )
        st.caption(md(issue["path"]))
        with st.container(horizontal=True):
            for decision, label, icon in (
                ("wrong", "Label wrong", "close"),
                ("fine", "Label fine", "check"),
            ):
                st.button(
                    label,
                    icon=f":material/{icon}:",
                    key=f"review.{decision}",
                    on_click=_decide,
                    args=(file, task, issue, decision),
                )
            st.button(
                "Later", icon=":material/schedule:", key="review.later", on_click=_later, args=(task, issue)
            )
    if clicked is not None:
        show_detail(view, clicked, (row,))


def _kept(view: View, marks: tuple[Mark, ...], file: Path) -> None:
    if not marks:
        st.caption("Marks are kept in the folder `saved`; the data is never changed.")
        return
    wrong = sum(mark.decision == "wrong" for mark in marks)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            f"Download {count(len(marks), 'mark')} as CSV",
            marks_csv(marks, csv_cell),
            file_name=f"{file_name(view.dataset.name)}-review.csv",
            mime="text/csv",
            icon=":material/download:",
            key="review.csv",
        )
        offer_corrected(view, marks)
        if not resources.settings().read_only:
            st.button(
                "Take back the last mark",
                icon=":material/undo:",
                key="review.undo",
                on_click=_undo,
                args=(file, marks[-1].key),
            )
        st.caption(
            f"{wrong:,} wrong, {len(marks) - wrong:,} fine, over all heads. The data is never changed."
        )


def _decide(file: Path, task: str, issue: dict[str, Any], decision: Decision) -> None:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    mark = Mark(issue["path"], task, issue["given"], issue["suggested"], decision, when)
    with guard():
        add_mark(file, mark)


def _undo(file: Path, key: tuple[str, str, str]) -> None:
    with guard():
        drop_mark(file, key)


def _later(task: str, issue: dict[str, Any]) -> None:
    st.session_state[_SKIPPED].add(_key(task, issue))


def _key(task: str, issue: dict[str, Any]) -> tuple[str, str, str]:
    return task, issue["path"], issue["given"]
