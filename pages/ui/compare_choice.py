"""Which checkpoints to compare: the visitor chooses, the link remembers."""

from __future__ import annotations

import streamlit as st

from core.models import Checkpoint
from pages.ui import empty
from pages.ui.compare_members import MOST, PARAMETER, Members, candidates, members
from pages.ui.fair import note_filters
from pages.ui.shell import page_file
from pages.ui.state import NotIndexed, View
from pages.ui.text import md

_KEPT = "kept.with"


def choose_members(view: View) -> Members | None:
    """Let the visitor choose; None, with a word on what to do, where there are not two with predictions."""
    known = candidates(view)
    if len(known) < 2:
        _only_one(view)
        return None
    chosen = _chosen(known)
    group = members(view, chosen)
    for checkpoint in chosen:
        if checkpoint not in group.checkpoints:
            empty.draw(NotIndexed(view.dataset, checkpoint))
            break
    if len(chosen) < 2:
        st.info("Choose two or more checkpoints to compare.", icon=":material/compare_arrows:")
    note_filters(view)
    return group if len(group.checkpoints) > 1 else None


def _chosen(known: list[Checkpoint]) -> list[Checkpoint]:
    by_name = {checkpoint.name: checkpoint for checkpoint in known}
    asked = st.query_params.get(PARAMETER) or st.session_state.get(_KEPT, "")
    wanted = [name for name in dict.fromkeys(asked.split(",")) if name in by_name][:MOST]
    default = wanted if len(wanted) > 1 else list(by_name)[:2]
    names = st.multiselect(
        "Checkpoints", list(by_name), default, max_selections=MOST, key="compare.members", help=f"2 to {MOST}"
    )
    st.query_params[PARAMETER] = st.session_state[_KEPT] = ",".join(names)
    return [by_name[name] for name in names]


def _only_one(view: View) -> None:
    name = md(view.checkpoint.name)
    with st.container(border=True):
        st.subheader("There is one checkpoint only", anchor=False)
        st.markdown(
            f"{name} is the only one that knows the head {md(view.selection.task)}. A second one to compare "
            "with comes from a training run, or from the command line:"
        )
        st.code(f"python -m training quick --data {view.dataset.root} --seed 1 --name second", language="sh")
        file = page_file("Training")
        if file is not None:
            st.page_link(file, label="Train another checkpoint", icon=":material/model_training:")
