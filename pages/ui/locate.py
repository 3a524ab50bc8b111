"""From any image of the dashboard to its place on the Explorer's map."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.selection import ALL_SPLITS
from core.settings import HOME
from pages.ui.state import View, link

AT = "at"
"""Query parameter with the id of the image that is located on the map."""
_EXPLORER = HOME / "pages" / "5_Explorer.py"


def locate_query(view: View, row: int) -> dict[str, str]:
    """Query parameters that show `row` on the map: the view's own selection where it holds the row, else all
    images."""
    chosen = view.selection if view.mask[row] else replace(view.selection.cleared(), split=ALL_SPLITS)
    return link(chosen, **{AT: str(view.dataset.table["image_id"].iat[row])})


def locate_link(view: View, row: int) -> None:
    """A link to the map with `row` picked and in its middle."""
    st.page_link(
        str(_EXPLORER),
        label="Locate on the map",
        icon=":material/location_on:",
        query_params=locate_query(view, row),
    )


def locate(view: View, row: int) -> None:
    """Go to the map now."""
    st.switch_page(str(_EXPLORER), query_params=locate_query(view, row))
