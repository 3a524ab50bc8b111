"""The thumbnail that follows the pointer over a map, and clicks: a component that hears the page's charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.ui import pictures, resources
from pages.ui.state import View

_KEY = "explorer.hover"
MOST = 5000
"""With more points than this no addresses travel to the browser: they are asked for one by one."""
_HOVER = st.components.v2.component(
    "vitrine_hover", html="<span></span>", js=(Path(__file__).parent / "hover.js").read_text("utf-8")
)


def listen(
    view: View,
    rows: npt.NDArray[np.int64],
    on_pick: Callable[[Mapping[str, Any]], None],
    about: str = "",
) -> None:
    """Show the thumbnail of the point below the pointer, where pictures have addresses to fetch them from;
    `on_pick` gets a click in the form of a plotly event. `about` is the address that tells of a row where
    there are too many points to send their pictures' addresses beforehand."""

    def clicked() -> None:
        row = st.session_state[_KEY].clicked
        on_pick({"selection": {"points": [{"customdata": row}]}})

    addresses = _addresses(view, rows)
    data = {"rows": rows.tolist() if addresses else [], "addresses": addresses, "about": about}
    _HOVER(key=_KEY, data=data, on_clicked_change=clicked)


def _addresses(view: View, rows: npt.NDArray[np.int64]) -> list[str]:
    if len(rows) > MOST or not len(rows):
        return []
    pictures.PICTURES.publish(view.dataset, resources.store())
    if not pictures.thumbnail_address(view.dataset, int(rows[0])).startswith(("/", "http")):
        return []  # without the routes every picture would travel, looked at or not
    return [pictures.thumbnail_address(view.dataset, int(row)) for row in rows]
