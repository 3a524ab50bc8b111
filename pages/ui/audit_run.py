"""Running an audit from the page: a subprocess with progress and cancel; its result is a file."""

from __future__ import annotations

import streamlit as st

from core.models import Checkpoint
from pages.ui import resources, work
from pages.ui.audit_result import result_file
from pages.ui.errors import guard
from pages.ui.launch import ended
from pages.ui.state import View
from pages.ui.text import count, md

TITLE = "Audit"


def audit_argv(view: View, checkpoint: Checkpoint) -> list[str]:
    """The command that audits the view's data set and writes the result where the page reads it."""
    data, name = str(view.dataset.root), str(checkpoint.path)
    file = str(result_file(view.dataset, checkpoint))
    return ["-m", "core", "audit", "--data", data, "--checkpoint", name, "--out", file]


def draw_run(view: View, checkpoint: Checkpoint, *, again: bool) -> None:
    """The running audit with its progress, or a button that starts one; `again` where there is a result."""
    key = f"audit:{view.dataset.fingerprint}:{checkpoint.hash}"
    current = work.current(key)
    if current is not None and current.running:
        work.watch(key)
        return
    if current is not None:
        ended(key, "The audit", "Nothing was changed.", current)
    if resources.settings().read_only:
        if not again:
            st.info("This dashboard is read-only: whoever runs it can audit from the command line.")
        return
    label, icon = ("Audit again", "refresh") if again else ("Audit this data set", "play_arrow")
    if not again:
        st.markdown(
            f"The audit looks at {count(len(view.dataset), 'image')} with the features of "
            f"{md(checkpoint.name)}: which heads can be learnt, which labels are probably wrong, what leaks "
            "from one split into another, which images are poor, where the head is weak. "
            "It changes nothing in the data."
        )
    if st.button(label, icon=f":material/{icon}:", type="secondary" if again else "primary", key="audit"):
        with guard():
            result_file(view.dataset, checkpoint).parent.mkdir(parents=True, exist_ok=True)
            work.dismiss(key)
            work.start(key, TITLE, audit_argv(view, checkpoint))
            st.rerun()
