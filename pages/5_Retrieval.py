"""Retrieval: search by words, by image or by both, and how well each finds what is there."""

from __future__ import annotations

from pages.ui.retrieval import draw_retrieval
from pages.ui.shell import page

with page("Retrieval", "Find images by what the heads say of them, by likeness, or by both.") as view:
    draw_retrieval(view)
