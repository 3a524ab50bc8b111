"""The Try it page: images in, every head of every checkpoint side by side out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.errors import VitrineError
from core.models import Checkpoint
from pages.ui import resources
from pages.ui.cards import mount_cards
from pages.ui.detail import deep_link, nearest_training, show_detail, show_neighbours
from pages.ui.errors import guard, show
from pages.ui.heads import heads
from pages.ui.state import View, current_view
from pages.ui.text import count, md
from pages.ui.upload import LARGEST_MB, MOST, TYPES, Refusal, Sample, read_row, read_uploads
from pages.ui.workers import warm, worker

PAGE = 12
BESIDE = 3
"""Checkpoints beside each other; more go into the next line."""
_PICKED = "tryout-picked"


@dataclass(frozen=True)
class Reading:
    """What one checkpoint says about one image; probabilities are calibrated with the card's temperatures."""

    heads: dict[str, npt.NDArray[np.float64]]
    embedding: npt.NDArray[np.float32]
    seconds: float


def draw_tryout() -> None:
    """Draw the page."""
    st.caption("What every checkpoint says about images of your own. They stay in this server's memory.")
    checkpoints, _ = resources.checkpoints()
    if not checkpoints:
        st.info(
            "There is no checkpoint yet. Open the Overview to train the quick model, then come back.",
            icon=":material/model_training:",
        )
        return
    warm(checkpoints[0])
    view = _view()
    chosen = _chosen(checkpoints)
    samples, refused = _samples(view)
    if refused:
        _refuse(refused)
    if not samples:
        return
    for place, sample in enumerate(samples):  # one photograph may come twice, under two names
        _draw(f"tryout-{place}-{sample.sha}", sample, chosen, view)
    if view is not None:
        deep_link(view)


def _view() -> View | None:
    """The current view, where there is one: uploads can be tried without any data set."""
    try:
        return current_view()
    except VitrineError:
        return None


def _chosen(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    if len(checkpoints) == 1:
        return list(checkpoints)
    names = [checkpoint.name for checkpoint in checkpoints]
    wanted = st.pills("Checkpoints", names, default=names, selection_mode="multi", key="tryout-checkpoints")
    return [checkpoint for checkpoint in checkpoints if checkpoint.name in wanted]


def _samples(view: View | None) -> tuple[list[Sample], list[Refusal]]:
    """Uploads first, then the images picked from the data set."""
    files = st.file_uploader(
        f"Up to {MOST} photographs, {LARGEST_MB} MB each",
        type=TYPES,
        accept_multiple_files=True,
        max_upload_size=LARGEST_MB,
        key="tryout-files",
    )
    with st.spinner("Reading the images…", show_time=True):
        samples, refused = read_uploads(files)
    if view is not None:
        with st.expander(
            f"Or images of {md(view.dataset.name)}", expanded=not files, icon=":material/image:"
        ):
            picked = _pick(view)
        for row in picked:
            try:
                samples.append(read_row(view, row))
            except VitrineError as error:
                refused.append(Refusal(str(view.dataset.table["path"].iat[row]), error))
    return samples, refused


def _pick(view: View) -> list[int]:
    """Small cards of the selection: a click adds an image to those that are tried, or takes it out."""
    if not len(view.rows):
        st.caption("The selection is empty: clear the filters in the sidebar.")
        return []
    pages = -(-len(view.rows) // PAGE)
    number = min(int(st.session_state.get("tryout-page") or 1), pages)
    shown = [int(row) for row in view.rows[(number - 1) * PAGE : number * PAGE]]
    picked: list[int] = st.session_state.get(_PICKED, {}).get(view.dataset.fingerprint, [])
    chosen = set(picked)
    clicked = mount_cards(
        view,
        shown,
        key="tryout-cards",
        label="Images to try",
        width="7rem",
        action="Try this image.",
        note=lambda row: "✓ tried below" if row in chosen else "",
    )
    if pages > 1:
        st.pagination(pages, key="tryout-page")
    if clicked is not None:
        kept = [row for row in picked if row != clicked]
        picked = kept if clicked in chosen else [clicked, *kept][:MOST]
        st.session_state[_PICKED] = {view.dataset.fingerprint: picked}
        st.rerun()
    return picked


def _refuse(refused: Sequence[Refusal]) -> None:
    """Name every file that was left out, why, and what would help."""
    lines = [
        f"- **{md(item.name, 80)}** — {md(item.error.title)}. "
        + " ".join(md(part) for part in (item.error.cause, item.error.fix) if part)
        for item in refused
    ]
    st.error(f"Left out: {count(len(refused), 'file')}\n\n" + "\n".join(lines), icon=":material/block:")


def _draw(key: str, sample: Sample, checkpoints: Sequence[Checkpoint], view: View | None) -> None:
    with st.container(border=True):
        picture, results = st.columns([1, 3], gap="medium")
        with picture:
            st.image(sample.preview, alt=sample.name, width="stretch")
            st.markdown(f"**{md(sample.name, 60)}**")
            st.caption(f"{sample.width} × {sample.height} pixels")
        with results:
            readings = _read_all(sample, checkpoints)
            for start in range(0, len(readings), BESIDE):
                _side_by_side(key, sample, readings[start : start + BESIDE])
        if view is not None:
            _neighbours(key, sample, view, readings)


def _read_all(
    sample: Sample, checkpoints: Sequence[Checkpoint]
) -> list[tuple[Checkpoint, Reading | VitrineError]]:
    readings: list[tuple[Checkpoint, Reading | VitrineError]] = []
    with st.spinner("Asking the checkpoints… the first time takes some seconds"):
        for checkpoint in checkpoints:
            try:
                key = f"{checkpoint.hash} {resources.heat(checkpoint.card.temperature)}"
                readings.append((checkpoint, _reading(key, sample.sha, checkpoint, sample.data)))
            except VitrineError as error:
                readings.append((checkpoint, error))
    return readings


@st.cache_data(show_spinner=False, max_entries=256)
def _reading(key: str, sha: str, _checkpoint: Checkpoint, _data: bytes) -> Reading:
    answer = worker().ask("predict", {"checkpoint": str(_checkpoint.path)}, [_data], limit=60.0)
    return Reading(
        heads={task: np.asarray(values) for task, values in answer.values["heads"].items()},
        embedding=np.frombuffer(answer.parts[0], dtype=np.float32),
        seconds=float(answer.values["seconds"]),
    )


def _side_by_side(
    key: str, sample: Sample, readings: Sequence[tuple[Checkpoint, Reading | VitrineError]]
) -> None:
    for column, (checkpoint, reading) in zip(st.columns(len(readings)), readings, strict=True):
        with column:
            st.markdown(f"**{md(checkpoint.name)}**")
            if isinstance(reading, VitrineError):
                show(reading)
                continue
            st.caption(f"{md(checkpoint.card.backbone)} · {reading.seconds * 1000:.0f} ms")
            labels = {task.name: task.labels for task in checkpoint.taxonomy.tasks}
            heads(
                reading.heads,
                labels,
                truth=sample.truth,
                key=f"{key}-{checkpoint.hash}",
            )


def _neighbours(
    key: str, sample: Sample, view: View, readings: Sequence[tuple[Checkpoint, Reading | VitrineError]]
) -> None:
    """The nearest training images under the view's checkpoint, where that one was asked."""
    own = [r for c, r in readings if c.hash == view.checkpoint.hash and isinstance(r, Reading)]
    if not own:
        return
    with guard():
        instance = int(view.dataset.instances[sample.row]) if sample.row is not None else None
        found = nearest_training(view, own[0].embedding, exclude=sample.row, instance=instance)
        st.markdown(f"**Nearest training images** as {md(view.checkpoint.name)} sees them")
        clicked = show_neighbours(view, found, key=f"{key}-near")
        if clicked is not None:
            show_detail(view, clicked)
