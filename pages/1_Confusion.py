"""Confusion: a live matrix over the shared selection; a cell shows its images beside it."""

from __future__ import annotations

import streamlit as st

from core.figures.matrix import DENOMINATORS, MatrixFigure, matrix_csv
from pages.ui.cell import cell_rows, pick, picked
from pages.ui.controls import choice, switch
from pages.ui.coverage import draw_coverage
from pages.ui.errors import guard
from pages.ui.gallery import gallery
from pages.ui.matrix import matrix
from pages.ui.results import view_confusion, view_matrix
from pages.ui.shell import page
from pages.ui.slices import draw_save
from pages.ui.state import View
from pages.ui.text import count, file_name, md

NORMALISATIONS = {"row": "Row", "column": "Column", "all": "All", "count": "Count"}
ORDERS = {"label": "Label", "error": "Errors", "similarity": "Similarity"}
MANY = 30  # from this many labels on, those without images are hidden at first
READABLE = 40  # of more labels, the most confused are drawn at first
LABELS = {"worst": f"{READABLE} most confused", "all": "All"}
NOTHING = "No image of this selection has a known label for this head. Widen the filters in the sidebar."


@st.fragment(key="confusion")
def explore(view: View) -> None:
    """Matrix and images; a click reruns only this."""
    with guard():
        figure = layout(view)
        if not figure.n:
            st.info(NOTHING)
            return
        cell = picked(view, view_confusion(view))
        left, right = st.columns([6, 5], gap="large")
        with left:
            name = f"confusion-{file_name(view.selection.task)}-{figure.by}"
            matrix(figure, cell, key="matrix", file=f"{name}.png", on_pick=lambda found: pick(view, found))
            below(view, figure, name)
        with right:
            images(view, figure, cell)


def layout(view: View) -> MatrixFigure:
    """The controls, and the matrix that they ask for."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        by = choice("Numbers", "norm", NORMALISATIONS, "row")
        order = choice("Sort by", "sort", ORDERS, "label")
        labels = len(view.outcomes.labels)
        shown = choice("Labels", "labels", LABELS, "worst") if labels > READABLE else "all"
        hide = switch("Hide empty labels", "hide", labels > MANY)
    return view_matrix(view, by, order, hide, READABLE if shown == "worst" else None)  # type: ignore[arg-type]


def below(view: View, figure: MatrixFigure, name: str) -> None:
    """What the numbers mean, and the table to take away."""
    objects = "" if view.objects is None else f" of {count(view.objects, 'object')}"
    hidden = (
        f" {count(figure.hidden, 'label')} not drawn, {count(figure.hidden_images, 'image')} with them."
        if figure.hidden
        else ""
    )
    st.caption(f"{DENOMINATORS[figure.by]} {count(figure.n, 'image')}{objects}.{hidden}")
    st.download_button(
        "Table as CSV",
        lambda: matrix_csv(figure).encode(),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def images(view: View, figure: MatrixFigure, cell: tuple[int, int] | None) -> None:
    """The images of the picked cell, with two lists that pick it by keyboard."""
    labels = len(view.outcomes.labels)
    truth = range(labels)
    prediction = range(labels + int(figure.columns[-1] == labels))
    if cell is None or cell[1] not in prediction:
        cell = (int(figure.rows[0]), int(figure.columns[0]))
    for column, label, options, code in zip(
        st.columns(2), ("Truth", "Predicted"), (truth, prediction), cell, strict=True
    ):
        key = f"cell.{label}"
        st.session_state[key] = code
        with column:
            st.selectbox(label, options, format_func=figure.name, key=key, on_change=repick, args=(view,))
    rows = cell_rows(view, cell)
    wrong = "without a prediction" if cell[1] == len(view.outcomes.labels) else "wrong, most confident first"
    verdict = "right, least sure first" if cell[0] == cell[1] else wrong
    names = " → ".join(f"**{md(figure.name(code))}**" for code in cell)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{names}: {count(len(rows), 'image')}, {verdict}", width="content")
        about = f"{figure.name(cell[0])} predicted {figure.name(cell[1])} · {view.selection.describe()}"
        draw_save(view, rows, about, key="slice.cell")
    gallery(view, rows, key="cell", page_size=12)


def repick(view: View) -> None:
    """A cell was chosen from the lists."""
    pick(view, (st.session_state["cell.Truth"], st.session_state["cell.Predicted"]))


with page("Confusion") as view:
    draw_coverage(view)
    explore(view)
