"""What a search found: the gallery with a reason under every picture, and all reasons as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.retrieval import Evidence, Hit, Result
from core.retrieval.truth import fitting
from pages.ui.controls import switch
from pages.ui.gallery import gallery
from pages.ui.retrieval_sources import Asked
from pages.ui.state import View
from pages.ui.text import count, csv_cell, md

MOST = 60
"""Hits that are looked up at a time."""
PAGE, PAGE_BESIDE = 24, 12
MARKS = {True: "✓", False: "✗", None: "?"}


def draw_found(view: View, result: Result, *, key: str = "found", like: int | None = None) -> None:
    """One ranking: what it is worth, the images, the reasons. `like` is the row that was searched for."""
    _headline(view, result, like)
    _gallery(view, result, key, PAGE, {})
    _reasons(view, result.hits)


def draw_beside(asked: Asked, found: Sequence[Result], *, like: int | None = None) -> None:
    """Two rankings beside each other, with the places that differ marked."""
    ranks = [{hit.row: hit.rank for hit in result.hits} for result in found]
    shared = len(set(ranks[0]) & set(ranks[1]))
    first = sum(1 for hit in found[0].hits[:PAGE_BESIDE] if ranks[1].get(hit.row, MOST) <= PAGE_BESIDE)
    st.caption(
        f"Of the first {PAGE_BESIDE} images {first} are in both; of the first {MOST}, {shared}. "
        "▲ ranked higher here than by the other checkpoint, ▼ lower."
    )
    for place, (column, view) in enumerate(zip(st.columns(2, gap="large"), asked.views, strict=True)):
        with column:
            st.subheader(md(view.checkpoint.name), anchor=False)
            _headline(view, found[place], like)
            _gallery(view, found[place], f"found-{place}", PAGE_BESIDE, ranks[1 - place])
    _reasons(asked.views[0], [hit for result in found for hit in result.hits])


def _headline(view: View, result: Result, like: int | None) -> None:
    """How many of the first hits the ground truth agrees with, and what the checkpoint itself expects."""
    for note in result.notes:
        if not note.startswith("no label"):
            st.caption(f":material/info: {md(note)}")
    top = result.hits[:PAGE]
    images = count(len(view.rows), "image")
    several = f"ranked by {md(result.method)} in {result.milliseconds:.0f} ms among {images}"
    judged = [verdict for hit in top if (verdict := agreement(hit)) is not None]
    if not judged:
        same = _same_class(view, top, like)
        st.markdown(f"{same}:gray[{'B' if not same else 'b'}est {len(top)} {several}.]")
        return
    right = sum(judged)
    met, known = fitting(view.dataset, result.terms)
    there = int((met & known & view.mask).sum())
    share = f"**{right} of the first {len(judged)}** truly match; {there:,} of all {images} do"
    expected = ""
    if result.method == "probability" and len(top) == len(judged):
        expected = f"; the checkpoint expected {sum(hit.score for hit in top):.1f}"
    st.markdown(f"{share}{expected}. :gray[{several[0].upper()}{several[1:]}.]")


def _same_class(view: View, hits: Sequence[Hit], like: int | None) -> str:
    """How many hits truly share the primary label of the image searched for; "" where that is not known."""
    truth = view.dataset.codes(view.dataset.taxonomy.primary.name)
    if like is None or truth[like] < 0 or not hits:
        return ""
    shared = sum(int(truth[hit.row] == truth[like]) for hit in hits)
    primary = md(view.dataset.taxonomy.primary.name)
    return f"**{shared} of the first {len(hits)}** truly have the same {primary}; "


def agreement(hit: Hit) -> bool | None:
    """Whether the ground truth meets every term; None where that is not known."""
    told = {item.words: item.agrees for item in hit.evidence}
    if not told or (None in told.values() and False not in told.values()):
        return None
    return False not in told.values()


def _gallery(view: View, result: Result, key: str, size: int, other: dict[int, int]) -> None:
    by_row = {hit.row: hit for hit in result.hits}

    def note(row: int) -> str:
        hit = by_row[row]
        return "\n".join([_place(hit, other), *(chip(item) for item in hit.evidence[:6])])

    rows = np.asarray(result.rows, dtype=np.int64)
    gallery(view, rows, key=f"retrieval-{key}", page_size=size, note=note, label="Hits")


def _place(hit: Hit, other: dict[int, int]) -> str:
    score = f" · cosine {hit.cosine:.2f}" if hit.cosine is not None else f" · {hit.score:.3g}"
    if not other:
        return f"#{hit.rank}{score}"
    there = other.get(hit.row)
    if there is None:
        return f"#{hit.rank}{score} ▲ not in the other's {MOST}"
    moved = there - hit.rank
    sign = "=" if not moved else f"{'▲' if moved > 0 else '▼'} {abs(moved)}"
    return f"#{hit.rank}{score} {sign}"


def chip(item: Evidence) -> str:
    """E.g. "✗ 0.04 color: blue, says white": whether the truth agrees, how likely the wanted label is, and
    what the head says instead."""
    wanted = f"not {item.label}" if item.negated else item.label
    instead = "" if item.negated or item.predicted in ("", item.label) else f", says {item.predicted}"
    return f"{MARKS[item.agrees]} {item.probability:.2f} {item.task}: {wanted}{instead}"


def _reasons(view: View, hits: Sequence[Hit]) -> None:
    """Every reason of every hit, to read and to take away."""
    if not any(hit.evidence for hit in hits) or not switch("Show every reason", "why", False):
        return
    paths = view.dataset.table["path"]
    table = pd.DataFrame(
        [
            {
                "Rank": hit.rank,
                "Image": csv_cell(str(paths.iat[hit.row])),
                "Word": csv_cell(item.words),
                "Checkpoint": item.checkpoint,
                "Head": item.task,
                "Wanted": f"not {item.label}" if item.negated else item.label,
                "Probability": item.probability,
                "Predicted": item.predicted,
                "Truth": item.truth or "not known",
                "Truth agrees": {True: "yes", False: "no", None: "not known"}[item.agrees],
            }
            for hit in hits
            for item in hit.evidence
        ]
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "Probability": st.column_config.ProgressColumn(format="%.2f", min_value=0, max_value=1)
        },
    )
