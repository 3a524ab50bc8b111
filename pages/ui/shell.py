"""The shell around every page: navigation, sidebar, title, empty states, one error handler.

A page file is `with page("Title") as view:` and what it draws. On a fresh server a link to a page runs that
page's file without `Home.py`; `page` then sets up the navigation and runs again, so that the link works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from core.errors import VitrineError
from core.settings import HOME
from pages.ui import empty, sidebar
from pages.ui.detail import deep_link
from pages.ui.errors import guard, show
from pages.ui.login import draw_login
from pages.ui.state import NoCheckpoint, NotIndexed, View, current_view, selection, write_link
from pages.ui.text import count, md

PAGES = (
    ("Confusion", "1_Confusion.py", "grid_on", "Which classes are taken for which; a cell shows its images."),
    (
        "Classes",
        "2_Classes.py",
        "bar_chart",
        "Precision, recall and F1 of every class, with their intervals.",
    ),
    ("Heads", "2_Heads.py", "account_tree", "All heads together: which errors come in company."),
    ("Mistakes", "3_Mistakes.py", "error", "What the checkpoint gets wrong, most certain mistakes first."),
    ("Explorer", "5_Explorer.py", "scatter_plot", "A map of feature space, and how far to trust it."),
    ("Retrieval", "5_Retrieval.py", "image_search", "Search by words or by image, and how good that is."),
    ("Compare", "7_Compare.py", "compare_arrows", "Which checkpoint is better, and can these images tell?"),
    ("Calibration", "8_Calibration.py", "straighten", "Can confidence be believed, and when not to answer."),
    ("Slices", "8_Slices.py", "pie_chart", "How good a head is on any part of the images."),
    ("Audit", "9_Audit.py", "fact_check", "What can be learnt, wrong labels, leaks and poor images."),
    ("Training", "6_Training.py", "model_training", "Launch, watch and compare training runs."),
    ("Try it", "4_Try_it.py", "upload", "What every checkpoint says about images of your own."),
)
_IN_SHELL = "vitrine.shell"
_LOGO = HOME / "pages" / "ui" / "vitrine.svg"


def run(overview: Callable[[], None]) -> None:
    """The door, called by Home.py on every run: navigation, sidebar, then the page that was asked for."""
    st.logo(str(_LOGO.with_stem("vitrine-name")), icon_image=str(_LOGO), size="large")
    st.session_state[_IN_SHELL] = True
    chosen = navigation(overview)
    with st.sidebar, guard():
        _draw_sidebar()
    chosen.run()


def navigation(overview: Callable[[], None]) -> Any:
    """Register the pages; returns the one to run.

    The picture in the browser's tab is ours and set first: a page's own icon would be fetched from afar.
    """
    st.set_page_config(page_title="Vitrine", page_icon=str(_LOGO), layout="wide")
    home = st.Page(
        overview,
        title="Overview",
        icon=":material/home:",
        default=True,
        help="What is loaded, how the checkpoints compare, and what is most worth a look.",
    )
    listed = [
        st.Page(HOME / "pages" / file, title=title, icon=f":material/{icon}:", help=hint)
        for title, file, icon, hint in PAGES
        if (HOME / "pages" / file).exists()
    ]
    return st.navigation([home, *listed], expanded=True)


def ensure_shell() -> None:
    """Make sure that the navigation has run in this session: a link to a page may come before the door."""
    if _IN_SHELL in st.session_state:
        return
    st.session_state[_IN_SHELL] = True
    navigation(lambda: None)
    st.rerun()


@contextmanager
def page(title: str, caption: str = "", *, needs_view: bool = True) -> Iterator[View]:
    """Draw a page's head and hand out its view; what goes wrong inside is shown, never raised.

    Where a checkpoint or features are missing, the empty state that builds them is drawn and the run stops.
    With `needs_view=False` the block gets None and asks `resources` for what it needs.
    """
    ensure_shell()
    st.title(title, anchor=False)
    if not needs_view:
        with guard():
            yield None  # type: ignore[misc]
        return
    view = _view_or_stop()
    st.caption(md(caption) + ("  \n" if caption else "") + _about(view))
    for note in view.selection.notes:
        st.caption(f":material/info: {md(note)}")
    with guard():
        yield view
    with guard():
        deep_link(view)


def page_file(title: str) -> str | None:
    """The file of the page called `title`, for `st.page_link`; None where it is absent."""
    file = HOME / "pages" / next(file for name, file, _, _ in PAGES if name == title)
    return str(file) if file.exists() else None


def _about(view: View) -> str:
    objects = "" if view.objects is None else f" of {count(view.objects, 'object')}"
    trained = view.checkpoint.card.data.fingerprint == view.dataset.fingerprint
    seen = trained and bool((view.mask & (view.dataset.table["split"] == "train").to_numpy()).any())
    warning = " · :orange[with images that it was trained on]" if seen else ""
    precision = view.predictions.precision
    form = f" in {precision}" if precision in {"bf16", "int8"} else ""
    what = md(f"{view.checkpoint.name}{form} · {view.selection.task} · {view.selection.describe()}")
    return f"{what} — **{count(len(view.rows), 'image')}**{objects}{warning}"


def _draw_sidebar() -> None:
    sidebar.draw_choices()
    try:
        view = current_view()
    except (NoCheckpoint, NotIndexed):
        write_link(selection())
        return
    write_link(view.selection)
    sidebar.draw_precision(view)
    sidebar.draw_counter(view)
    sidebar.draw_filters(view)
    draw_login()


def _view_or_stop() -> View:
    try:
        return current_view()
    except (NoCheckpoint, NotIndexed) as missing:
        empty.draw(missing)
    except VitrineError as error:
        show(error)
    st.stop()
