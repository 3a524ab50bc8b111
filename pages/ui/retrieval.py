"""The Retrieval page: search by words, search by image, and the scoreboard that measures both."""

from __future__ import annotations

import streamlit as st

from pages.ui.controls import choice
from pages.ui.errors import guard
from pages.ui.retrieval_board import draw_board
from pages.ui.retrieval_image import draw_by_image
from pages.ui.retrieval_text import draw_by_text
from pages.ui.state import View

MODES = {"words": "By words", "image": "By image", "board": "Scoreboard"}
MODE = "mode"
"""This page's query parameters: mode, text, method, models, other, fusion, like, same, weight, why, kind."""


def draw_retrieval(view: View) -> None:
    """Draw the page for the view's rows."""
    _body(view)


@st.fragment(key="retrieval")
def _body(view: View) -> None:
    """A search redraws only this."""
    with guard():
        mode = choice("What to do", MODE, MODES, "words")
        if mode == "board":
            draw_board(view)
        elif not len(view.rows):
            st.info(
                "The selection is empty, so there is nothing to search. Clear the filters in the sidebar.",
                icon=":material/filter_alt_off:",
            )
        elif mode == "image":
            draw_by_image(view)
        else:
            draw_by_text(view)
