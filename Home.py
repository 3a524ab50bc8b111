"""The door: `make app`, or `streamlit run pages/ui/server.py`, opens here; then the overview."""

from __future__ import annotations

from pages.ui.overview import draw_overview
from pages.ui.shell import page, run


def overview() -> None:
    """What is loaded, how the checkpoints compare on it, and what is most worth a look."""
    with page("Overview") as view:
        draw_overview(view)


run(overview)
