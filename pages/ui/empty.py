"""Empty states: what is missing, what it is good for, and a button that makes it."""

from __future__ import annotations

import re

import streamlit as st

from core.data import Dataset
from core.models import Checkpoint
from pages.ui import resources, work
from pages.ui.errors import guard
from pages.ui.state import NoCheckpoint, NotIndexed, select
from pages.ui.text import count, md

_GO_ON = "vitrine.go_on"
"""After training comes indexing, without another click."""


def draw(missing: NoCheckpoint | NotIndexed) -> None:
    """Say what is missing and offer to build it, with progress and cancel."""
    dataset = missing.dataset
    with st.container(border=True):
        st.subheader(md(missing.title), anchor=False)
        st.markdown(md(missing.cause))
        if resources.settings().read_only:
            st.info("This dashboard is read-only: whoever runs it can build this from the command line.")
        elif isinstance(missing, NotIndexed):
            _index(dataset, missing.checkpoint)
        else:
            _train(dataset)


def prepare(dataset: Dataset, checkpoint: Checkpoint) -> None:
    """Build the features of one more checkpoint beside a page that can be read meanwhile; bar and cancel."""
    key = _key(dataset, checkpoint)
    _offer(key, f"Preparing {checkpoint.name}", index_argv(dataset, checkpoint))


def _key(dataset: Dataset, checkpoint: Checkpoint) -> str:
    return f"index:{dataset.fingerprint}:{checkpoint.hash}"


def index_argv(dataset: Dataset, checkpoint: Checkpoint) -> list[str]:
    """The command that builds the features of `dataset` under `checkpoint`."""
    return [
        "-m",
        "core",
        "index",
        "--data",
        str(dataset.root),
        "--checkpoint",
        str(checkpoint.path),
    ]


def train_argv(dataset: Dataset, name: str) -> list[str]:
    """The command that trains the quick model on `dataset` as `name`."""
    return ["-m", "training", "quick", "--data", str(dataset.root), "--name", name]


def model_name(dataset: Dataset) -> str:
    """A checkpoint name made from the data set's: letters, digits, dots, dashes."""
    return (re.sub(r"[^A-Za-z0-9._-]+", "-", dataset.name).strip("-._")[:60] or "data") + "-quick"


def _index(dataset: Dataset, checkpoint: Checkpoint) -> None:
    st.markdown(f"{md(checkpoint.name)} has to look at {count(len(dataset), 'image')} once; that is kept.")
    key = _key(dataset, checkpoint)
    _offer(key, "Build the features", index_argv(dataset, checkpoint))


def _train(dataset: Dataset) -> None:
    tasks = ", ".join(dataset.taxonomy.names)
    st.markdown(
        f"The quick model learns every head ({md(tasks)}) from {count(len(dataset), 'image')} "
        "on frozen ImageNet features: about a minute for some hundred images."
    )
    _offer(f"quick:{dataset.fingerprint}", "Train the quick model", train_argv(dataset, model_name(dataset)))


def _offer(key: str, label: str, argv: list[str]) -> None:
    current = work.current(key)
    if current is None:
        asked = st.button(label, type="primary", icon=":material/play_arrow:", key=f"start:{key}")
        if asked or _wanted(key):
            with guard():
                work.start(key, label, argv)
                st.rerun()
        return
    if current.running:
        work.watch(key, ended=resources.forget)
        return
    _ended(key, label, current)


def _wanted(key: str) -> bool:
    """Whether to start without a click: after a training that was asked for, or where `make app` says so."""
    goes_on = key.startswith("index:") and st.session_state.pop(_GO_ON, False)
    return goes_on or resources.prepares()


def _ended(key: str, label: str, current: work.Work) -> None:
    if current.succeeded and not current.settled:
        current.settled = True
        resources.forget()
        if key.startswith("quick:"):
            select(checkpoint="")
            st.session_state[_GO_ON] = True
        st.rerun()
    if current.cancelled:
        st.warning("Cancelled. What was finished is kept, and building goes on from there.")
    elif current.succeeded:
        st.warning("It ended well, yet what this page needs is still missing.")
        work.draw_log(current)
    else:
        st.error(f"'{label}' ended with exit code {current.process.returncode}.", icon=":material/error:")
        work.draw_log(current)
    if st.button("Try again", icon=":material/refresh:", key=f"again:{key}"):
        work.dismiss(key)
        st.rerun()
