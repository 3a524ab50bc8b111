"""Calibration: can a head's confidence be believed, and what answering only when sure gives."""

from __future__ import annotations

import streamlit as st

from pages.ui.calibration import draw_reliability, draw_threshold, judged_rows
from pages.ui.fair import note_filters
from pages.ui.shell import page
from pages.ui.temperature import draw_temperature

with page("Calibration", "Whether confidence can be believed, and when not to answer.") as view:
    note_filters(view)
    rows = judged_rows(view)
    if rows is not None:
        draw_reliability(view, rows)
        st.subheader("Answer only when sure", anchor=False)
        draw_threshold(view, rows)
        st.subheader("Temperature", anchor=False)
        draw_temperature(view)
