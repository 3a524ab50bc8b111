"""The queue: every run with its state, its progress, and what may be done with it."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.errors import VitrineError
from pages.ui import resources
from pages.ui.access import Access, launch_access
from pages.ui.controls import choose
from pages.ui.errors import guard, show
from pages.ui.text import md
from training.durations import duration
from training.jobs import Job, LocalRunner, State
from training.jobs.progress import SILENT_SECONDS
from training.spec import RunSpec

REFRESH_SECONDS = 2.0
SHOWN = 12
_ACTIVE = "training.was_active"
Colour = Literal["gray", "blue", "orange", "green", "red", "violet"]
COLOURS: dict[State, Colour] = {
    State.QUEUED: "gray",
    State.RUNNING: "blue",
    State.CANCELLING: "orange",
    State.FINISHED: "green",
    State.CANCELLED: "gray",
    State.FAILED: "red",
    State.CRASHED: "red",
    State.UNREACHABLE: "violet",
}


def runner() -> LocalRunner:
    """The runner of this dashboard."""
    return LocalRunner.at(resources.settings())


def any_active() -> bool:
    """Whether something waits or runs, so that the page refreshes itself; remembered for `draw_jobs`."""
    st.session_state[_ACTIVE] = False
    with guard():
        st.session_state[_ACTIVE] = any(job.active for job in runner().jobs())
    return bool(st.session_state[_ACTIVE])


def chosen_run(jobs: tuple[Job, ...]) -> Job | None:
    """The run that the link names, else the one that runs, else the newest."""
    asked = st.query_params.get("run") or st.session_state.get("kept.run")
    usual = next((job for job in jobs if job.state == State.RUNNING), jobs[0] if jobs else None)
    return next((job for job in jobs if job.id == asked), usual)


def draw_jobs(access: Access) -> None:
    """The list. When the first job begins or the last one ends, the whole page runs again: it decides whether
    its parts refresh themselves."""
    with guard():
        draw_error()
        jobs = runner().jobs()
        if any(job.active for job in jobs) != st.session_state.get(_ACTIVE):
            st.rerun()
        if not jobs:
            st.caption("No run yet. Choose a data set and a recipe above, check, and launch.")
        chosen = chosen_run(jobs)
        for job in jobs[:SHOWN]:
            _draw_job(job, access, chosen is not None and job.id == chosen.id)
        if len(jobs) > SHOWN:
            st.caption(f"The newest {SHOWN} of {len(jobs)}; `python -m training jobs` lists all.")


def _draw_job(job: Job, access: Access, chosen: bool) -> None:
    with st.container(border=True, key=f"job-{job.number}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            mark = ":material/visibility: " if chosen else ""
            st.markdown(
                f"{mark}**{md(job.spec.name)}** &nbsp; {md(job.spec.recipe.name)} · {md(job.spec.backbone)}",
                width="stretch",
            )
            st.badge(str(job.state), color=COLOURS[job.state])
            _buttons(job, access, chosen)
        _progress(job)


def _progress(job: Job) -> None:
    status = job.status
    if job.state in {State.RUNNING, State.CANCELLING} and status is not None:
        left = f" · {duration(status.eta_s)} left" if status.eta_s is not None else ""
        speed = f" · {status.images_per_second:.0f} images/s" if status.images_per_second else ""
        epoch = f" · epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}" if status.steps else ""
        phase = f" · {md(status.phase)}" if status.phase and status.steps else ""
        device = f" on {md(status.device)} ({md(status.precision)})" if status.device else ""
        st.progress(
            status.progress, text=f"{md(status.stage) or 'starting'}{device}{phase}{epoch}{speed}{left}"
        )
        silence = status.silence_s
        if silence is not None and silence > SILENT_SECONDS:
            st.warning(f"No sign of life for {duration(silence)}.", icon=":material/heart_broken:")
    elif job.reason:
        st.caption(md(job.reason, 500))


def _buttons(job: Job, access: Access, chosen: bool) -> None:
    off = not access.allowed
    if not chosen:
        st.button("Watch", key=f"watch-{job.id}", on_click=choose, args=("run", job.id))
    if job.state in {State.QUEUED, State.RUNNING}:
        st.button("Cancel", key=f"cancel-{job.id}", disabled=off, on_click=_do, args=("cancel", job.id))
    if job.resumable:
        st.button("Resume", key=f"resume-{job.id}", disabled=off, on_click=_do, args=("resume", job.id))
    if not job.active:
        st.button("Clone", key=f"clone-{job.id}", disabled=off, on_click=_clone, args=(job.spec,))
        st.button("Delete", key=f"delete-{job.id}", disabled=off, on_click=_do, args=("delete", job.id))


def _do(what: Literal["cancel", "resume", "delete"], run_id: str) -> None:
    """A callback: nothing may be drawn here, so an error waits for the next run of the page."""
    try:
        launch_access().require()
        getattr(runner(), what)(run_id)
    except VitrineError as error:
        st.session_state["training.error"] = error


def _clone(spec: RunSpec) -> None:
    """Fill the form with a run's choices and open it; the name is left to the visitor."""
    st.query_params.pop("run", None)
    recipe = spec.recipe
    roots = {str(root): name for name, root in resources.datasets().items()}
    chosen = {"training.recipe": recipe.name, "training.backbone": spec.backbone, "training.name": ""}
    if spec.data in roots:
        chosen["training.data"] = roots[spec.data]
    st.session_state.update(chosen)
    key = f"training.{recipe.name}"
    for index, phase in enumerate(recipe.phases):
        for field in ("epochs", "backbone_lr", "head_lr"):
            st.session_state[f"{key}.phases.{index}.{field}"] = getattr(phase, field)
    for field in ("batch_size", "image_size", "patience", "seed", "batch_statistics"):
        st.session_state[f"{key}.{field}"] = getattr(recipe, field)
    st.toast("The form holds this run's choices.", icon=":material/content_copy:")


def draw_error() -> None:
    """An error that a button's callback left."""
    error = st.session_state.pop("training.error", None)
    if isinstance(error, VitrineError):
        show(error)
