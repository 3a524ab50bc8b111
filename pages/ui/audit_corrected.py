"""The data set's CSV file with the reviewed labels corrected, to download; the file itself stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.audit.review import Mark, corrections
from core.data import Dataset
from core.data.corrections import Corrected, Correction, corrected_table, table_file
from pages.ui.state import View
from pages.ui.text import count, md


def offer_corrected(view: View, marks: Sequence[Mark]) -> None:
    """A button that downloads the corrected copy, where a mark asks for a correction and there is a table."""
    wanted = corrections(tuple(marks))
    if not wanted:
        return
    file = _table(view.dataset.fingerprint, view.dataset)
    if file is None:
        return
    found = _corrected(view.dataset.fingerprint, wanted, view.dataset)
    st.download_button(
        f"Download {file.name} with {count(len(found.applied), 'correction')}",
        found.data,
        file_name=f"{file.stem}-corrected{file.suffix}",
        mime="text/csv",
        icon=":material/edit_document:",
        key="review.corrected",
        help=_left_out(found),
    )


def _left_out(found: Corrected) -> str:
    reasons = sorted({one.reason for one in found.refused})
    left = f" {count(len(found.refused), 'mark')} left out: {md('; '.join(reasons))}." if reasons else ""
    return f"A copy: the data set is never changed.{left}"


@st.cache_resource(show_spinner=False, max_entries=8)
def _table(fingerprint: str, _dataset: Dataset) -> Path | None:
    return table_file(_dataset.root)


@st.cache_resource(show_spinner=False, max_entries=4)
def _corrected(fingerprint: str, wanted: tuple[Correction, ...], _dataset: Dataset) -> Corrected:
    return corrected_table(_dataset.root, wanted)
