"""One pair of checkpoints in depth: who alone is right on which images, and where by label."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.evaluation.agreement import Agreement, agreement, label_deltas
from core.evaluation.outcomes import Outcomes
from core.figures.comparison import answers_figure, difference_figure
from pages.ui.compare_members import Members, pairs
from pages.ui.controls import picker
from pages.ui.errors import guard
from pages.ui.gallery import gallery
from pages.ui.text import count, md
from pages.ui.theme import mode

MOST_LABELS = 20


@st.fragment(key="compare.pair")
def draw_pair(group: Members, task: str) -> None:
    """Choose a pair; its galleries, its agreement and its labels. Choosing redraws only this."""
    with guard():
        names = {f"{pair.a} and {pair.b}": (pair.a, pair.b) for pair in pairs(group, task)}
        chosen = picker("Pair in depth", "pair", list(names), next(iter(names)))
        a, b = names[chosen]
        heads = group.heads(task)
        found = agreement(heads[a], heads[b], group.mask)
        st.caption(_agreement(found))
        titles = [
            f"Only {md(a)} right · {len(found.only_a)}",
            f"Only {md(b)} right · {len(found.only_b)}",
            f"Both wrong · {len(found.neither)}",
            "By label",
            "Answers",
        ]
        groups = (found.only_a, found.only_b, found.neither)
        opened = next((title for title, rows in zip(titles, groups, strict=False) if len(rows)), titles[3])
        first, second, both, labels, answers = st.tabs(titles, default=opened)
        for tab, key, rows in (
            (first, "only-a", found.only_a),
            (second, "only-b", found.only_b),
            (both, "neither", found.neither),
        ):
            with tab:
                _gallery(group, heads, (a, b), rows, key)
        with labels:
            _labels(heads[a], heads[b], group.mask, (a, b))
        with answers:
            _answers(found, (a, b))


def _gallery(
    group: Members, heads: dict[str, Outcomes], names: tuple[str, str], rows: npt.NDArray[np.int64], key: str
) -> None:
    a, b = (heads[name] for name in names)
    sure = np.fmax(np.nan_to_num(a.confidence[rows]), np.nan_to_num(b.confidence[rows]))
    ordered = rows[np.argsort(-sure, kind="stable")].astype(np.int64)

    told = [name for name in names if name != group.view.checkpoint.name]  # the card itself tells the view's

    def note(row: int) -> str:
        return " · ".join(f"{name}: {_says(heads[name], row)}" for name in told)

    gallery(group.view, ordered, key=f"compare-{key}", page_size=12, note=note)


def _says(outcomes: Outcomes, row: int) -> str:
    code = int(outcomes.prediction[row])
    return "no prediction" if code < 0 else f"{outcomes.labels[code]} {outcomes.confidence[row]:.0%}"


def _agreement(found: Agreement) -> str:
    n = sum(len(rows) for rows in (found.both, found.only_a, found.only_b, found.neither))
    text = f"Both right on {len(found.both):,} of {count(n, 'image')}, both wrong on {len(found.neither):,}"
    if len(found.neither):
        text += f" ({found.same_error:,} of them with the same wrong label)"
    if not math.isnan(found.error_overlap):
        text += f"; {found.error_overlap:.0%} of the errors of either are errors of both"
    return text + ("." if math.isnan(found.kappa) else f"; Cohen's kappa {found.kappa:.2f}.")


def _labels(a: Outcomes, b: Outcomes, mask: npt.NDArray[np.bool_], names: tuple[str, str]) -> None:
    deltas = label_deltas(a, b, mask)
    shown = deltas[:MOST_LABELS]
    figure = difference_figure(
        [delta.label for delta in shown],
        [delta.difference for delta in shown],
        [delta.difference.low > 0 or delta.difference.high < 0 for delta in shown],
        mode(),
    )
    st.plotly_chart(figure, key="compare.labels", config={"displayModeBar": False})
    more = f" The {MOST_LABELS} widest of {len(deltas)} labels." if len(deltas) > MOST_LABELS else ""
    st.caption(
        f"Recall of {md(names[0])} minus recall of {md(names[1])} by label, with 95 % intervals that are not "
        f"corrected for the number of labels.{more}"
    )


def _answers(found: Agreement, names: tuple[str, str]) -> None:
    figure = answers_figure(found.labels, found.matrix, names, mode())
    st.plotly_chart(figure, key="compare.answers", config={"displayModeBar": False})
    n, same = int(found.matrix.sum()), int(found.matrix.trace())
    st.caption(
        f"What {md(names[0])} says (rows) by what {md(names[1])} says (columns), right or wrong: the same on "
        f"{same:,} of {count(n, 'image')}, different on {n - same:,}."
    )
