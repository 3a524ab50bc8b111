"""The Mistakes page: how many there are, which labels they confuse, and the images, worst first."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.evaluation import Estimate, Pair, mistakes, pairs, rank_mistakes
from core.evaluation.ranking import Ranking
from pages.ui.errors import guard
from pages.ui.gallery import gallery
from pages.ui.state import View
from pages.ui.text import count, md

RANKINGS: dict[Ranking, str] = {
    "confidence": "Most confident",
    "loss": "Highest loss",
    "margin": "Widest margin",
    "entropy": "Least decided",
}
HINTS: dict[Ranking, str] = {
    "confidence": "Surest errors first: the probability of the wrong label.",
    "loss": "Largest log-loss first: least probability left for the true label (nats).",
    "margin": "Widest lead first: the wrong label's probability less the next one's.",
    "entropy": "Most spread probabilities first: where the head hesitates (nats).",
}
RANK, PAIR = "rank", "pair"
"""This page's query parameters."""
MOST_CHIPS = 24
"""With more pairs than this a list that one can search takes the chips' place."""


def draw_mistakes(view: View) -> None:
    """Draw the page for the view's rows."""
    found = mistakes(view.outcomes, view.mask)
    if not found.any():
        _none(view)
        return
    _headline(view, int(found.sum()))
    _browse(view)


@st.fragment
def _browse(view: View) -> None:
    """Ranking, pairs and gallery: choosing among them redraws only this part."""
    with guard():
        by = _ranking()
        pair = _pair(pairs(view.outcomes, view.mask))
        _gallery(view, by, None if pair is None else pair.rows)


def _gallery(view: View, by: Ranking, rows: npt.NDArray[np.int64] | None) -> None:
    chosen = view.mask
    if rows is not None:
        chosen = np.zeros_like(view.mask)
        chosen[rows] = True
    score = getattr(view.outcomes, by)

    def note(row: int) -> str:
        return f"{by} {score[row]:.2f}" if by != "confidence" else ""

    ranked = rank_mistakes(view.outcomes, chosen, by)
    gallery(view, ranked, key="mistakes", note=note, label="Mistakes")


def _headline(view: View, n: int) -> None:
    share = error_share(view)
    with st.container(horizontal=True, gap="large"):
        st.metric("Mistakes", f"{n:,}", help=f"Of {share.support()} with a known truth.", width="content")
        st.metric(
            "Share of images, 95 % interval",
            share.text(),
            help=f"By {md(share.method)}, on {share.support()}; no prediction counts as wrong.",
            width="content",
        )


def _none(view: View) -> None:
    """Nothing is wrong here: say how much that proves, or why nothing could be."""
    share = error_share(view)
    if not share.n:
        st.info(
            "No image of this selection has a known truth, so none can be wrong. "
            "Choose another split or clear the filters in the sidebar.",
            icon=":material/filter_alt_off:",
        )
        return
    st.success(f"No mistakes on {share.support()}.", icon=":material/check_circle:")
    st.markdown(
        f"That still allows an error rate of up to **{share.high:.1%}** "
        f"(95 % interval {interval(share)}, {md(share.method)})."
    )
    if view.selection.filtered:
        st.caption("The filters in the sidebar narrow what is counted here.")


def error_share(view: View) -> Estimate:
    """The share of the view's rows with a known truth that are wrong, an absent prediction included."""
    from pages.ui import resources

    key = (*resources.identity(view.dataset, view.predictions), view.selection.task)
    return _error_share(key, view.mask.tobytes(), view)


@st.cache_data(show_spinner=False, max_entries=64)
def _error_share(key: tuple[str, ...], mask: bytes, _view: View) -> Estimate:
    from core.evaluation.report import share
    from core.evaluation.tally import tally

    counted = tally(_view.outcomes, _view.mask)
    return share(counted, ~counted.right)


def interval(estimate: Estimate) -> str:
    """E.g. "1.9 % to 15.6 %"."""
    return f"{estimate.low:.1%} to {estimate.high:.1%}"


def _ranking() -> Ranking:
    asked = st.query_params.get(RANK)
    chosen = st.segmented_control(
        "Worst first by",
        list(RANKINGS),
        default=asked if asked in RANKINGS else "confidence",
        format_func=lambda ranking: RANKINGS[ranking],
        key="mistakes-rank",
        help="\n".join(f"- **{RANKINGS[by]}**: {hint}" for by, hint in HINTS.items()),
        required=True,
    )
    by = cast(Ranking, chosen)
    _link(RANK, by if by != "confidence" else "")
    return by


def _pair(groups: tuple[Pair, ...]) -> Pair | None:
    """Let the visitor narrow to one pair of labels; None shows all of them."""
    names = {f"{pair.truth} → {pair.prediction}": pair for pair in groups}
    asked = st.query_params.get(PAIR)
    title, known = f"True → predicted: {count(len(names), 'pair')}", asked if asked in names else None
    if len(names) > MOST_CHIPS:
        chosen = st.selectbox(
            title,
            list(names),
            index=list(names).index(known) if known else None,
            format_func=lambda name: f"{name} · {names[name].n}",
            key="mistakes-pair-list",
            placeholder="All pairs",
        )
    else:
        chosen = st.pills(
            title,
            list(names),
            default=known,
            format_func=lambda name: f"{md(name)} · {names[name].n}",
            key="mistakes-pair",
        )
    _link(PAIR, chosen or "")
    return names[chosen] if chosen is not None else None


def _link(parameter: str, value: str) -> None:
    """Keep what was chosen in the URL, so that a link reopens it."""
    if value:
        st.query_params[parameter] = value
    elif parameter in st.query_params:
        del st.query_params[parameter]
