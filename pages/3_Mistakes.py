"""Mistakes: what the head gets wrong, worst first, by pair of labels."""

from __future__ import annotations

from pages.ui.mistakes import draw_mistakes
from pages.ui.shell import page

with page("Mistakes", "Images whose prediction differs from a known truth.") as view:
    draw_mistakes(view)
