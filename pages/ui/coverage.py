"""Where a checkpoint's labels and a data set's differ: said, so that a number is not taken for another."""

from __future__ import annotations

import streamlit as st

from pages.ui.state import View
from pages.ui.text import count, md

_SHOWN = 8


def draw_coverage(view: View) -> None:
    """A line on labels that only one side knows, and on rows without a prediction; nothing where all fits."""
    task = view.selection.task
    found = view.checkpoint.taxonomy.coverage(view.dataset.taxonomy, task)
    lines = []
    if found.missing:
        lines.append(
            f"The checkpoint cannot answer {count(len(found.missing), 'label')} of this data set "
            f"({_some(found.missing)}): their images always count as wrong."
        )
    if found.extra:
        lines.append(
            f"The checkpoint may answer {count(len(found.extra), 'label')} that this data set does not have "
            f"({_some(found.extra)})."
        )
    absent = int((~view.predictions.present & view.mask).sum())
    if absent:
        lines.append(f"{count(absent, 'image')} of this selection have no prediction and count as wrong.")
    if lines:
        st.warning("  \n".join(lines), icon=":material/rule:")


def _some(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return ", ".join(md(label) for label in labels[:_SHOWN]) + more
