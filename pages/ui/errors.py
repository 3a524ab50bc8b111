"""The one place where an error becomes something on a page: title, cause and fix, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import VitrineError
from pages.ui.text import md

_log = logging.getLogger("vitrine")


def show(error: VitrineError) -> None:
    """Draw an error as it is: what happened, why, and what mends it."""
    lines = [f"**{md(error.title)}**", md(error.cause, 600), md(error.fix, 600)]
    st.error("\n\n".join(line for line in lines if line), icon=":material/error:")


@contextmanager
def guard() -> Iterator[None]:
    """Show what goes wrong inside the block and keep the page alive; fragments need a guard of their own.

    Anything that is not a VitrineError is a fault of ours: its traceback goes to the server's log.
    """
    try:
        yield
    except VitrineError as error:
        show(error)
    except Exception:
        _log.exception("A page failed")
        show(
            VitrineError(
                "Something went wrong while drawing this",
                cause="The fault is in Vitrine, not in your data; the server's log has the details.",
                fix="Reload the page, or clear the filters in the sidebar.",
            )
        )
