"""Grad-CAM on demand: where in the picture a head found its evidence."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import VitrineError
from pages.ui.state import View
from pages.ui.text import md
from pages.ui.workers import worker


def attention(view: View, row: int) -> None:
    """Offer Grad-CAM for `row` and draw it once asked for; torch runs in the worker process only."""
    if not st.toggle(
        "Compute Grad-CAM", key="detail-attention", help="Runs the network once, in another process."
    ):
        st.caption("Which part of the picture spoke for a label? It takes a second, longer the first time.")
        return
    task, label = _chosen(view, row)
    if label is None:
        st.caption("This image has no prediction to explain.")
        return
    try:
        with st.spinner("Asking the network…"):
            seen, overlay, empty = _explained(view, row, task, label)
    except VitrineError as error:
        st.warning(md(" ".join(part for part in (f"{error.title}.", error.cause, error.fix) if part)))
        return
    left, right = st.columns(2)
    left.image(seen, caption="What the network saw", alt="The resized and cropped picture", width="stretch")
    right.image(
        overlay, caption="Evidence, bright is strong", alt="The same under a heat map", width="stretch"
    )
    name = md(view.predictions.taxonomy[task].labels[label])
    if empty:
        st.caption(f"Nothing in this picture raised the logit of “{name}”.")
    else:
        st.caption(f"Grad-CAM of “{name}” in head “{md(task)}”. Brightness is relative within this picture.")


def _chosen(view: View, row: int) -> tuple[str, int | None]:
    """Let the visitor pick a head and a label; the head's prediction comes first."""
    taxonomy = view.predictions.taxonomy
    left, right = st.columns(2)
    tasks = taxonomy.names
    start = tasks.index(view.outcomes.task) if view.outcomes.task in tasks else 0
    task = left.selectbox("Head", tasks, index=start, key="detail-attention-head")
    logits = view.predictions.logits[task][row]
    if not view.predictions.present[row]:
        return task, None
    order = [int(code) for code in (-logits).argsort(kind="stable")]
    labels = taxonomy[task].labels
    best = order[0]
    label = right.selectbox(
        "Label",
        order,
        format_func=lambda code: f"{labels[code]} (predicted)" if code == best else labels[code],
        key=f"detail-attention-label-{task}-{row}",
    )
    return task, label


def _explained(view: View, row: int, task: str, label: int) -> tuple[bytes, bytes, bool]:
    sha = str(view.dataset.table["sha"].iat[row])
    return _gradcam(view.checkpoint.hash, sha, task, label, view.checkpoint.path, view.dataset.file(row))


@st.cache_data(show_spinner=False, max_entries=128)
def _gradcam(
    checkpoint: str, sha: str, task: str, label: int, _folder: Path, _file: Path
) -> tuple[bytes, bytes, bool]:
    from core.data.images import read_bytes

    answer = worker().ask(
        "explain", {"checkpoint": str(_folder), "task": task, "label": label}, [read_bytes(_file)], limit=60.0
    )
    seen, overlay = answer.parts
    return seen, overlay, bool(answer.values["empty"])
