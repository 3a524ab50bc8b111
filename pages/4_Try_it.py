"""Try it: what every checkpoint says about images of your own."""

from __future__ import annotations

from pages.ui.shell import page
from pages.ui.tryout import draw_tryout

with page("Try it", needs_view=False):
    draw_tryout()
