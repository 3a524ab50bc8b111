"""The scoreboard: every checkpoint and head on the chosen split, intervals drawn to scale."""

from __future__ import annotations

import math

import streamlit as st

from core.errors import VitrineError
from core.evaluation import Estimate, Scores
from core.models import Checkpoint
from core.selection import ALL_SPLITS
from pages.ui import resources
from pages.ui.empty import prepare
from pages.ui.results import split_scores
from pages.ui.state import View, select, shared_tasks, usable_checkpoints
from pages.ui.text import html, md

STYLE = """<style>
.board { width: 100%; border-collapse: collapse; font-size: .92rem; }
.board th { text-align: left; font-weight: 600; opacity: .7; padding: .35rem .9rem .35rem 0;
  white-space: nowrap; }
.board td { padding: .45rem .9rem .45rem 0; vertical-align: middle; white-space: nowrap;
  border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.board .here { font-weight: 650; }
.board .quiet { opacity: .65; }
.scale { position: relative; width: 100%; min-width: 9rem; height: .9rem; border-radius: 3px;
  background: color-mix(in srgb, currentColor 6%, transparent); }
.scale i { position: absolute; top: .2rem; height: .5rem; border-radius: 3px; background: #3983BA;
  opacity: .38; }
.scale b { position: absolute; top: 0; width: 3px; height: .9rem; margin-left: -1.5px; background: #3983BA; }
.scroll { overflow-x: auto; }
</style>"""


def draw_scoreboard(view: View) -> None:
    """The table, and which checkpoints could be in it."""
    split = view.selection.split
    st.header("Scoreboard", anchor=False)
    name = "all splits" if split == ALL_SPLITS else f"the {split} split"
    st.caption(
        f"Accuracy and macro F1 on {md(name)}, whatever else is filtered. Bars are 95 % intervals on a scale "
        "from 0 to 100 %; where they overlap, this data does not tell the checkpoints apart."
    )
    rows, waiting = [], []
    for checkpoint in usable_checkpoints(view.dataset):
        lines = _lines(view, checkpoint)
        rows += lines
        if not lines:
            waiting.append(checkpoint)
    head = (
        "<tr><th>Checkpoint</th><th>Head</th><th>Accuracy</th><th></th><th>Macro F1</th><th>Images</th></tr>"
    )
    st.html(f'{STYLE}<div class="scroll"><table class="board">{head}{"".join(rows)}</table></div>')
    if waiting and resources.prepares():
        prepare(view.dataset, waiting.pop(0))
    for checkpoint in waiting:
        st.button(
            f"{md(checkpoint.name)} has not looked at this data set yet: open it",
            key=f"open:{checkpoint.name}",
            icon=":material/play_arrow:",
            on_click=select,
            kwargs={"checkpoint": checkpoint.name},
        )
    for path, problem in resources.checkpoints()[1]:
        st.caption(f":material/warning: {md(path.name)}: {md(problem.title)}. {md(problem.fix)}")


def _lines(view: View, checkpoint: Checkpoint) -> list[str]:
    try:
        predictions = resources.indexed(view.dataset, checkpoint)
    except VitrineError as error:
        return [f'<tr><td>{html(checkpoint.name)}</td><td colspan="5">{html(error.title)}</td></tr>']
    if predictions is None:
        return []
    mask = view.dataset.split_mask(view.selection.split)
    lines = []
    for task in shared_tasks(view.dataset, checkpoint):
        outcomes = resources.outcomes(view.dataset, predictions, task)
        key = (*resources.identity(view.dataset, predictions), task, view.selection.split)
        here = checkpoint.name == view.checkpoint.name and task == view.selection.task
        lines.append(_line("" if lines else checkpoint.name, task, split_scores(key, outcomes, mask), here))
    return lines


def _line(name: str, task: str, scores: Scores, here: bool) -> str:
    mark = ' class="here" aria-current="true"' if here else ""
    objects = "" if scores.instances is None else f" of {scores.instances:,} objects"
    return (
        f"<tr{mark}><td>{html(name)}</td><td>{html(task)}</td><td>{html(scores.accuracy.text())}</td>"
        f'<td style="width:32%">{interval_bar(scores.accuracy)}</td><td>{html(scores.macro_f1.text())}</td>'
        f'<td class="quiet">{scores.n:,}{html(objects)}</td></tr>'
    )


def interval_bar(estimate: Estimate) -> str:
    """HTML of an interval on a scale from 0 to 1, the value as a stroke."""
    if math.isnan(estimate.value):
        return ""
    low, high = (estimate.low, estimate.high) if estimate.low == estimate.low else (estimate.value,) * 2
    return (
        f'<div class="scale" role="img" aria-label="{html(estimate.text())}">'
        f'<i style="left:{low:.2%};width:{max(0.0, high - low):.2%}"></i>'
        f'<b style="left:{estimate.value:.2%}"></b></div>'
    )
