"""Explorer: a map of feature space, what lies where on it, and how far it may be trusted."""

from __future__ import annotations

from pages.ui.explorer import draw_explorer
from pages.ui.shell import page

with page(
    "Explorer", "Images near each other look alike to the checkpoint. Draw around some to see them."
) as view:
    draw_explorer(view)
