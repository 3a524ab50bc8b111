"""The report to share: built by a subprocess with progress and cancel, kept in the cache, one file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.audit.kept import newest_audit_file
from core.files import cache_key
from core.models import Checkpoint
from core.selection import ALL_SPLITS
from pages.ui import resources, work
from pages.ui.errors import guard
from pages.ui.launch import ended
from pages.ui.state import View, usable_checkpoints
from pages.ui.text import count, file_name, md

FOLDER = "reports"
MOST = 8
TITLE = "Report"
_LAYOUT = "report-1"


def draw_share(view: View) -> None:
    """What the report is about; a button that builds it, its progress, or the finished file."""
    st.header("Report to share", anchor=False)
    chosen = _members(view)
    split = "all splits" if view.selection.split == ALL_SPLITS else f"the {md(view.selection.split)} split"
    st.caption(
        f"One HTML file about {count(len(chosen), 'checkpoint')} on {split}: scores, matrices, comparisons, "
        "calibration, the surest mistakes with pictures, provenance. It opens anywhere, asks the network for "
        "nothing, and prints."
    )
    key, file = _place(view, chosen)
    current = work.current(key)
    if current is not None and current.running:
        work.watch(key)
        return
    if current is not None:
        ended(key, "The report", "No report was written.", current)
    if file.exists():
        st.download_button(
            f"Download the report ({file.stat().st_size / 1e6:.1f} MB)",
            file.read_bytes,
            f"{file_name(view.dataset.name)}-report.html",
            "text/html",
            icon=":material/download:",
            key="report.download",
            on_click="ignore",
        )
    elif resources.settings().read_only:
        st.info("This dashboard is read-only: whoever runs it can build the report from the command line.")
    elif st.button("Build the report", icon=":material/description:", key="report.build"):
        with guard():
            work.dismiss(key)
            work.start(key, TITLE, report_argv(view, chosen, file))
            st.rerun()


def report_argv(view: View, chosen: list[Checkpoint], file: Path) -> list[str]:
    """The command that writes the report of the view's data set and split into `file`."""
    named = [word for checkpoint in chosen for word in ("--checkpoint", str(checkpoint.path))]
    about = ["--data", str(view.dataset.root), "--split", view.selection.split]
    return ["-m", "core", "report", *about, *named, "--out", str(file)]


def _members(view: View) -> list[Checkpoint]:
    """The view's checkpoint first, then others that have looked at the data set already."""
    known = (one for one in usable_checkpoints(view.dataset) if one.name != view.checkpoint.name)
    others = [one for one in known if resources.indexed(view.dataset, one) is not None]
    return [view.checkpoint, *others][:MOST]


def _place(view: View, chosen: list[Checkpoint]) -> tuple[str, Path]:
    """The key of everything that the report says, and the file it is kept in."""
    cache = resources.settings().cache
    audit = newest_audit_file(cache, view.dataset)
    key = cache_key(
        _LAYOUT,
        data=view.dataset.fingerprint,
        split=view.selection.split,
        checkpoints=[[one.name, one.hash, dict(sorted(one.card.temperature.items()))] for one in chosen],
        audit=None if audit is None else [audit.name, audit.stat().st_mtime_ns],
    )
    return f"report:{key}", cache / FOLDER / f"{key}.html"
