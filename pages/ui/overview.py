"""The overview: what is loaded, what is most worth a look, and how the checkpoints compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from core.findings import Finding, findings
from pages.ui import resources
from pages.ui.cell import PARAMETER, cell_name
from pages.ui.coverage import draw_coverage
from pages.ui.errors import guard
from pages.ui.overview_report import draw_share
from pages.ui.pictures import PICTURES, thumbnail_address
from pages.ui.results import Key, view_report
from pages.ui.scoreboard import draw_scoreboard
from pages.ui.shell import page_file
from pages.ui.state import View, link, shared_tasks
from pages.ui.text import count, html, md

WORTH_A_LOOK = 3
_PICTURE = "width:32%;aspect-ratio:1;object-fit:cover;border-radius:6px"
_LINKS = {"Confusion": "Show in the matrix", "Classes": "Show the class", "Mistakes": "Show the images"}


def draw_overview(view: View) -> None:
    """The whole page."""
    draw_loaded(view)
    draw_coverage(view)
    draw_findings(view)
    draw_scoreboard(view)
    draw_share(view)
    draw_report(view)


def draw_loaded(view: View) -> None:
    """Images per split, objects, heads, and rows that were left out."""
    dataset = view.dataset
    per_split = dataset.table["split"].value_counts()
    splits = " · ".join(f"{md(name)} {per_split[name]:,}" for name in dataset.splits)
    labels = " · ".join(f"{md(task.name)} {len(task.labels)}" for task in dataset.taxonomy.tasks)
    left_out = dataset.report.quarantined
    objects = f"{len(set(dataset.instances)):,}" if dataset.has_instances else "not known"
    facts = (
        ("Images", f"{len(dataset):,}", splits),
        (
            "Objects",
            objects,
            "intervals count objects" if dataset.has_instances else "intervals count images",
        ),
        ("Heads", f"{len(dataset.taxonomy.tasks)}", f"labels: {labels}"),
        ("Rows left out", f"{left_out:,}", f"of {dataset.report.rows:,} read; see the report below"),
    )
    with st.grid(len(facts), min_column_width=170, gap="medium"):
        for label, value, note in facts:
            with st.container(border=True, height="stretch", gap=None):
                st.metric(label, value)
                st.caption(note)


def draw_findings(view: View) -> None:
    """The things most worth a look, each with its evidence and a link."""
    st.header("Most worth a look", anchor=False)
    found = _found(view)
    if not found:
        st.success("Nothing stands out in this selection: no mistake, no leak, no head below its baseline.")
        return
    for column, finding in zip(st.columns(WORTH_A_LOOK, gap="medium"), found, strict=False):
        with column:
            _card(view, finding)
    rest = found[WORTH_A_LOOK:]
    if rest:
        with st.expander(f"{count(len(rest), 'more finding')}"):
            for finding in rest:
                _card(view, finding)


def draw_report(view: View) -> None:
    """Every problem that reading the data set found, with its row and what mends it."""
    problems = view.dataset.report.problems
    st.header("Data report", anchor=False)
    if not problems:
        st.caption("Every row was read; nothing to report.")
        return
    kinds = ", ".join(f"{kind.replace('_', ' ')}: {n:,}" for kind, n in view.dataset.report.counts().items())
    st.caption(md(f"{kinds[:1].upper()}{kinds[1:]}"))
    opened = st.expander(
        f"{count(len(problems), 'problem')} with row and fix", on_change="rerun", key="problems"
    )
    if opened.open:
        with opened:
            rows = [(p.row, p.path or "", p.field or "", p.message, p.fix, p.quarantined) for p in problems]
            names = ("Line", "File", "Column", "What is wrong", "What mends it", "Left out")
            st.dataframe(pd.DataFrame(rows, columns=names), hide_index=True)


def _found(view: View) -> list[Finding]:
    return _findings(view.key, view)


@st.cache_resource(show_spinner=False, max_entries=32)
def _findings(key: Key, _view: View) -> list[Finding]:
    heads = {
        task: resources.outcomes(_view.dataset, _view.predictions, task)
        for task in shared_tasks(_view.dataset, _view.checkpoint)
    }
    return findings(_view.dataset, heads, view_report(_view), _view.selection.task, _view.mask)


def _card(view: View, finding: Finding) -> None:
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{md(finding.title)}**")
        if finding.rows:
            st.html(_strip(view, finding.rows))
        st.markdown(md(finding.evidence, 600))
        if finding.page in _LINKS:
            with guard():
                _link(view, finding)


def _strip(view: View, rows: tuple[int, ...]) -> str:
    """HTML of up to three pictures beside each other."""
    PICTURES.publish(view.dataset, resources.store())
    pictures = (
        f'<img src="{html(thumbnail_address(view.dataset, row))}" alt="{html(_named(view, row))}" '
        f'title="{html(_named(view, row))}" style="{_PICTURE}">'
        for row in rows
    )
    return f'<div style="display:flex;gap:2%">{"".join(pictures)}</div>'


def _named(view: View, row: int) -> str:
    labels = (*view.outcomes.labels, "unknown")
    return f"{labels[view.outcomes.truth[row]]}, predicted {labels[view.outcomes.prediction[row]]}"


def _link(view: View, finding: Finding) -> None:
    chosen = replace(view.selection, **{**finding.changes, "notes": ()})  # type: ignore[arg-type]
    more: dict[str, Any] = dict(finding.parameters)
    if finding.kind == "pair":
        more = {PARAMETER: cell_name(more["truth"], more["prediction"])}
    target = page_file(finding.page)
    if target is not None:
        st.page_link(
            target,
            label=_LINKS[finding.page],
            icon=":material/arrow_forward:",
            query_params=link(chosen, **more),
        )
