"""The Heads page: the joint score, one head given another, pairs of heads with their images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.evaluation import Outcomes
from core.evaluation.estimate import LEVEL
from core.evaluation.heads import HeadPair, Together, together
from core.evaluation.intervals import proportion
from core.figures.heads import conditional_figure
from pages.ui import resources
from pages.ui.audit_result import auditor, read_result
from pages.ui.controls import choice, choose, picker
from pages.ui.errors import guard
from pages.ui.fair import fair_mask
from pages.ui.gallery import gallery
from pages.ui.state import View, shared_tasks
from pages.ui.text import md
from pages.ui.theme import mode

PLAIN = {"displayModeBar": False}
CONDITIONS = {"wrong": "Where it is wrong", "right": "Where it is right"}
Mask = npt.NDArray[np.bool_]


def view_together(view: View) -> Together | None:
    """All heads on the view's rows; None, with a word on why, where there are not two or no image has every
    label."""
    heads = view_heads(view)
    if len(heads) < 2:
        st.info("This checkpoint and this data set share one head only: there is nothing to put beside it.")
        return None
    mask = fair_mask(view)
    found = _together((*view.key, "heads"), heads, mask)
    if not found.joint.n:
        st.info("No image of this selection has a label for every head. Widen the filters in the sidebar.")
        return None
    return found


def view_heads(view: View) -> dict[str, Outcomes]:
    """The outcomes of every head that data set and checkpoint share."""
    tasks = shared_tasks(view.dataset, view.checkpoint)
    return {task: resources.outcomes(view.dataset, view.predictions, task) for task in tasks}


def headline(view: View, found: Together) -> None:
    """What a reader should take away, in plain words."""
    joint = found.joint
    st.markdown(
        f"**All {len(found.tasks)} heads are right on {joint.text()}** of {joint.support()}. Were their "
        f"errors independent it would be {100 * found.independent:.1f} %. {md(_company(found), 600)}"
    )
    shares = ", ".join(
        f"{n:,} with {'no head' if k == 0 else 'one head' if k == 1 else f'{k} heads'} wrong"
        for k, n in enumerate(found.wrong_heads)
        if n
    )
    st.caption(f"Images: {shares}.")


def _company(found: Together) -> str:
    """Which pair's errors surely come together, the strongest first."""
    sure = [pair for pair in found.pairs if pair.p < 1 - LEVEL and pair.lift is not None]
    closest = max(sure, key=lambda pair: pair.phi, default=None)
    if closest is None or closest.lift is None or closest.phi <= 0:
        return "On these images no two heads' errors are shown to come together."
    return (
        f"Errors of {closest.a} and {closest.b} come together: both are wrong on {len(closest.neither):,} "
        f"images, {closest.lift.value:.1f} times as many as by chance."
    )


def draw_heads(view: View, found: Together) -> None:
    """Every head's score and what the audit says of its labels."""
    audit = read_result(view.dataset, auditor(view))
    mask = fair_mask(view)
    rows = []
    for task, head in view_heads(view).items():
        used = mask & head.scored
        score = proportion(head.correct[used], None if head.instances is None else head.instances[used])
        verdict = "" if audit is None else audit.verdict(task)
        rows.append(
            {
                "Head": task,
                "Accuracy": score.text(),
                "On": score.support(),
                "Wrong": int((~head.correct[used]).sum()),
                "Can it be learnt?": verdict or None,
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–", key="heads.each")
    if audit is None:
        st.caption(
            "Whether a head's labels follow the pixels at all is found by the Audit page; not run yet."
        )
    else:
        st.caption("Whether labels follow the pixels is the audit's verdict (Audit page, Learnability).")


@st.fragment(key="heads.conditions")
def draw_conditions(found: Together) -> None:
    """The accuracy of every head where another one is wrong, or right."""
    with guard():
        condition = choice("The head of the row", "given", CONDITIONS, "wrong")
        given = {}
        for pair in found.pairs:
            given[pair.a, pair.b] = getattr(pair, f"b_when_a_{condition}")
            given[pair.b, pair.a] = getattr(pair, f"a_when_b_{condition}")
        figure = conditional_figure(found.tasks, given, condition, mode())
        st.plotly_chart(figure, key="conditions", config=PLAIN)
        st.caption(
            f"How often the column's head is right on images where the row's head is {condition}, in per "
            "cent with 95 % intervals. “–”: there is no such image."
        )


@st.fragment(key="heads.pairs")
def draw_pairs(view: View, found: Together) -> None:
    """Every pair of heads with its test; the images of one of them."""
    with guard():
        pairs = {
            f"{pair.a} and {pair.b}": pair for pair in sorted(found.pairs, key=lambda one: (one.p, -one.phi))
        }
        number = {name: st.column_config.NumberColumn(format=form) for name, form in _FORMATS.items()}
        st.session_state["heads.names"] = list(pairs)
        st.dataframe(
            pd.DataFrame([_row(pair) for pair in pairs.values()]),
            hide_index=True,
            column_config=number,
            placeholder="–",
            key="heads.table",
            on_select=_chosen_in_table,
            selection_mode="single-row",
        )
        st.caption(
            "Lift: how many times as many images both get wrong as by chance, with its 95 % interval. Phi: "
            "the correlation of the errors, from -1 to 1. p is corrected for the number of pairs (Holm); "
            "where objects are known it is the larger of an exact test by image and a test by object. Click "
            "a row for its images."
        )
        name = picker("Images of", "heads", list(pairs), next(iter(pairs)))
        _images(view, pairs[name])


_FORMATS = {"Expected": "%.1f", "Phi": "%.2f", "p": "%.4f"}


def _row(pair: HeadPair) -> dict[str, Any]:
    return {
        "Heads": f"{pair.a} and {pair.b}",
        "Both wrong": len(pair.neither),
        "Expected": pair.expected_neither,
        "Lift": None if pair.lift is None else pair.lift.text(percent=False),
        "Phi": pair.phi,
        "p": pair.p,
        "Only first wrong": len(pair.only_b),
        "Only second wrong": len(pair.only_a),
        "Images": pair.n,
    }


def _images(view: View, pair: HeadPair) -> None:
    a, b = md(pair.a), md(pair.b)
    cells = {
        "neither": (f"Both wrong · {len(pair.neither):,}", pair.neither),
        "only-b": (f"{a} wrong, {b} right · {len(pair.only_b):,}", pair.only_b),
        "only-a": (f"{b} wrong, {a} right · {len(pair.only_a):,}", pair.only_a),
        "both": (f"Both right · {len(pair.both):,}", pair.both),
    }
    first = next(name for name, (_, rows) in cells.items() if len(rows))
    chosen = choice("Show", "which", {name: text for name, (text, _) in cells.items()}, first)
    heads = view_heads(view)

    def note(row: int) -> str:
        return " · ".join(_said(heads[task], row) for task in (pair.a, pair.b))

    gallery(view, cells[chosen][1], key=f"heads-{chosen}", page_size=12, note=note, label=cells[chosen][0])


def _said(head: Outcomes, row: int) -> str:
    names = ("no prediction", *head.labels)
    mark = "✓" if head.correct[row] else "✗"
    return f"{head.task} {mark} {names[head.prediction[row] + 1]}"


def _chosen_in_table() -> None:
    names = st.session_state.get("heads.names", [])
    rows = st.session_state["heads.table"]["selection"]["rows"]
    if rows and rows[0] < len(names):
        choose("heads", names[rows[0]])


@st.cache_resource(show_spinner=False, max_entries=32)
def _together(key: tuple[str, ...], _heads: dict[str, Outcomes], _mask: Mask) -> Together:
    return together(_heads, _mask)
