"""The matrix that can be clicked: a component whose picked cell is told as a pair of label codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.figures.matrix import MatrixFigure

_FOLDER = Path(__file__).parent
_HTML = """<div class="matrix">
<div class="readout" role="status" aria-live="polite"></div>
<svg tabindex="0" role="application"
 aria-label="Confusion matrix. Arrow keys walk over its cells, Enter picks one."></svg>
<div class="bar">
<span class="key"><span class="swatch right"></span>right</span>
<span class="key"><span class="swatch wrong"></span>wrong</span>
<span class="key">stronger is more, each colour on its own scale; grey numbers are totals</span>
<button type="button">Save as PNG</button>
</div>
</div>"""

_MATRIX = st.components.v2.component(
    "vitrine_matrix",
    html=_HTML,
    css=(_FOLDER / "matrix.css").read_text("utf-8"),
    js=(_FOLDER / "matrix.js").read_text("utf-8"),
)


def matrix(
    figure: MatrixFigure,
    selected: tuple[int, int] | None,
    *,
    key: str,
    file: str,
    on_pick: Callable[[tuple[int, int]], None],
) -> None:
    """Draw `figure` with the cell of codes `selected` outlined; `on_pick` gets a cell that is picked.

    `file` is the name under which the browser saves the picture.
    """

    def picked() -> None:
        cell = picked_cell(st.session_state[key].picked, figure)
        if cell is not None:
            on_pick(cell)

    data = {**figure.to_json(), "selected": None if selected is None else list(selected), "file": file}
    _MATRIX(key=key, data=data, on_picked_change=picked)


def picked_cell(value: object, figure: MatrixFigure) -> tuple[int, int] | None:
    """The codes that the browser sent, or None where they name no cell of `figure`: it may send anything."""
    if not isinstance(value, list) or len(value) != 2 or not all(type(code) is int for code in value):
        return None
    truth, prediction = value
    return (truth, prediction) if truth in figure.rows and prediction in figure.columns else None
