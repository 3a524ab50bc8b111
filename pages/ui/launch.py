"""A button that starts a command, its progress while it runs, and what to say when it has ended badly."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.ui import resources, work
from pages.ui.errors import guard
from pages.ui.text import md


def launch(key: str, title: str, label: str, argv: Sequence[str], *, icon: str, primary: bool = True) -> None:
    """Offer to run `python argv...` under `key` as `title`; nothing is offered on a read-only dashboard.

    When it has ended well the page is drawn anew and reads what the command wrote.
    """
    current = work.current(key)
    if current is not None and current.running:
        work.watch(key, counted=False)
        return
    if current is not None:
        ended(key, md(title), "What was finished is kept.", current)
    if resources.settings().read_only:
        st.caption("This dashboard is read-only: whoever runs it can do this from the command line.")
        return
    kind = "primary" if primary else "secondary"
    if st.button(label, icon=f":material/{icon}:", type=kind, key=f"start:{key}"):
        with guard():
            work.dismiss(key)
            work.start(key, title, argv)
            st.rerun()


def ended(key: str, what: str, kept: str, current: work.Work) -> None:
    """How the work under `key` ended: nothing where it went well, what is `kept`, or its log."""
    if current.succeeded:
        work.dismiss(key)
    elif current.cancelled:
        st.warning(f"Cancelled. {kept}")
    else:
        st.error(f"{what} ended with exit code {current.process.returncode}.", icon=":material/error:")
        work.draw_log(current)
