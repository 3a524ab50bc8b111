"""One run, live: its curves per head, its validation confusion, its verdict and its log."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.figures.training import MEASURES, confusion_figure, loss_figure, rate_figure, validation_figure
from pages.ui.controls import choice
from pages.ui.errors import guard
from pages.ui.text import log_tail, md
from pages.ui.theme import mode
from pages.ui.training_jobs import chosen_run, runner
from training.jobs import Job, State
from training.jobs.progress import RunFolder

LOG_BYTES = 12_000
VERDICTS = {"a": "green", "b": "red"}
"""Colours of better and worse."""
PLAIN = {"displayModeBar": False}


def draw_run() -> None:
    """The chosen run. Refreshed by the page while anything is active."""
    with guard():
        job = chosen_run(runner().jobs())
        if job is None:
            return
        st.subheader(md(job.spec.name), anchor=False)
        records = runner().metrics(job.id)
        _verdict(runner().folder(job.id), job)
        if records:
            _curves(job, records)
        elif job.active:
            st.caption("Curves appear with the first finished epoch.")
        _log(job)


def _curves(job: Job, records: tuple[dict[str, Any], ...]) -> None:
    phases = [(phase.name, phase.epochs) for phase in job.spec.recipe.phases]
    _best_line(job, records)
    left, right = st.columns([3, 2], gap="large")
    with left:
        measure = choice("Validation", "measure", MEASURES, "accuracy")
        st.plotly_chart(
            validation_figure(records, phases, measure, mode()), key="run.validation", config=PLAIN
        )
        one, two = st.columns(2)
        with one:
            st.markdown("Training loss")
            st.plotly_chart(loss_figure(records, phases, mode()), key="run.loss", config=PLAIN)
        with two:
            st.markdown("Learning rates")
            st.plotly_chart(rate_figure(records, phases, mode()), key="run.rates", config=PLAIN)
    with right:
        _confusion(job, records[-1])


def _best_line(job: Job, records: tuple[dict[str, Any], ...]) -> None:
    best = [record for record in records if record["best"]][-1]
    heads = ", ".join(
        f"{md(task)} {scores['accuracy']:.1%} of {scores['n']}"
        for task, scores in best["val"].items()
        if scores["accuracy"] is not None
    )
    title = "Best epoch" if job.state == "finished" else "Best epoch so far"
    st.caption(
        f"{title}: {best['epoch']}. Validation accuracy there: {heads}. "
        "It was picked on these images, so it flatters; the test split is looked at once, at the end."
    )


def _confusion(job: Job, record: dict[str, Any]) -> None:
    from core.data import Taxonomy

    labels = _labels(job)
    taxonomy: Taxonomy | None = labels
    tasks = [task for task in record["val"] if taxonomy is not None and task in taxonomy]
    if taxonomy is None or not tasks:
        return
    task = choice("Validation confusion", "val_head", {name: name for name in tasks}, tasks[0])
    scores = record["val"][task]
    st.plotly_chart(
        confusion_figure(scores["confusion"], taxonomy[task].labels, mode()),
        key="run.confusion",
        config=PLAIN,
    )
    st.caption(f"After epoch {record['epoch']}, {scores['n']} labelled images; colour is the share of a row.")


def _labels(job: Job) -> Any:
    """The data set's tasks, for the labels behind the codes; None where it is not among the dashboard's."""
    from pages.ui import resources

    names = {str(root): name for name, root in resources.datasets().items()}
    name = names.get(job.spec.data)
    return resources.dataset(name).taxonomy if name else None


def _verdict(folder: RunFolder, job: Job) -> None:
    if job.state != State.FINISHED:
        return
    found = folder.read_json(folder.verdict) or {}
    tasks = found.get("tasks") or {}
    if tasks:
        with st.container(border=True):
            st.markdown("**Against its parent, on the test split**")
            for task, told in tasks.items():
                words = f":{VERDICTS.get(told['verdict'], 'gray')}[**{md(task)}: {md(told['words'])}.**]"
                st.markdown(f"{words} {md(told['sentence'], 500)}")
    if not found:
        st.caption("Finished. The checkpoint is in every page's selector.")


def _log(job: Job) -> None:
    with st.expander("Log", icon=":material/terminal:"):
        chunk = runner().log(job.id, -LOG_BYTES, LOG_BYTES)
        st.code(log_tail(chunk.text, 200, LOG_BYTES) or "(nothing yet)", language=None, height=300)
