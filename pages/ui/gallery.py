"""The gallery: images in a given order, a page at a time; a click opens an image's details."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
import streamlit as st

from pages.ui.cards import Note, mount_cards
from pages.ui.detail import show_detail
from pages.ui.state import View

WIDEST = 56.0
"""Width of a page's gallery in rem that `columns` divides."""


def gallery(
    view: View,
    rows: npt.NDArray[np.int64],
    *,
    key: str,
    page_size: int = 24,
    columns: int | None = None,
    note: Note | str | None = None,
    label: str = "Images",
) -> None:
    """Draw the images `rows` (M,) in the given order, a page at a time; a click opens the image's detail.

    `note` is a line under every card: a function of the row, or one text above all of them. `columns` is
    roughly how many cards go beside each other on a wide page. Only the page's cards travel to the browser.
    """
    if isinstance(note, str):
        st.caption(note)
        note = None
    if not len(rows):
        st.caption("No images: nothing matches here.")
        return
    first = _first_position(len(rows), page_size, key, zlib.crc32(np.ascontiguousarray(rows).tobytes()))
    page = tuple(int(row) for row in rows[first : first + page_size])
    clicked = mount_cards(
        view,
        page,
        key=f"{key}-cards",
        label=f"{label} {first + 1} to {first + len(page)} of {len(rows)}",
        note=note,
        width=f"{max(6.0, WIDEST / columns):.1f}rem" if columns else "11rem",
    )
    if clicked is not None:
        show_detail(view, clicked, page)


def _first_position(n: int, size: int, key: str, signature: int) -> int:
    """Draw the counter and the pager where there is more than one page; the first position to show.

    The pager's key holds the rows' `signature`: other rows begin at the first page again.
    """
    pages = -(-n // size)
    if pages == 1:
        return 0
    pager = f"{key}-page-{signature:08x}"
    number = min(int(st.session_state.get(pager) or 1), pages)
    first = (number - 1) * size
    left, right = st.columns([1, 2], vertical_alignment="center")
    left.caption(f"{first + 1:,} – {min(first + size, n):,} of {n:,}")
    with right.container(horizontal_alignment="right"):
        st.pagination(pages, key=pager)
    return first
