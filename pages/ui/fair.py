"""Rows to judge a head on: those that none of its own answers had a say in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.ui.state import View
from pages.ui.text import md


def fair_mask(view: View) -> npt.NDArray[np.bool_]:
    """The view's rows (N,) bool without the filters on prediction, outcome and confidence.

    These are one checkpoint's answers: on the images that it gets wrong any other is ahead, and no head is
    calibrated.
    """
    unanswered = replace(view.selection, prediction=(), outcome="all", confidence=(0.0, 1.0))
    return unanswered.mask(view.dataset, view.outcomes, view.slices)


def note_filters(view: View) -> None:
    """Say so where the sidebar filters by what the view's checkpoint answers."""
    chosen = view.selection
    if chosen.prediction or chosen.outcome != "all" or chosen.confidence != (0.0, 1.0):
        st.caption(
            ":material/info: Filters by prediction, outcome and confidence are left out here: they are "
            f"answers of {md(view.checkpoint.name)} and would not be fair."
        )
