"""Light or dark: what the visitor's browser shows now, for figures that cannot read the theme themselves."""

from __future__ import annotations

import streamlit as st

from core.figures.style import Mode


def mode() -> Mode:
    """The mode of the page; "light" before the browser has told."""
    return "dark" if st.context.theme.type == "dark" else "light"
