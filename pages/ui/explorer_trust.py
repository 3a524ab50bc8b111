"""Beside the map: how far it may be trusted, and what is true in the original space."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.errors import SelectionError
from core.projection import Overlap, Projection, Separation, overlap, separation
from pages.ui import explorer_maps
from pages.ui.cards import mount_cards
from pages.ui.detail import show_detail
from pages.ui.explorer_picked import keep
from pages.ui.results import view_confusion
from pages.ui.state import View
from pages.ui.text import count, md

MOST_PAIRS = 12
WIDTHS = {"pair": 310, "mixing": 66, "confused": 76, "images": 62}
"""Pixels of the columns of the pairs, so that the last is seen on a common screen."""
_OVERLAP = "explorer.overlap"
Rows = npt.NDArray[np.int64]


def draw_trust(view: View, projection: Projection) -> None:
    """What a reader may conclude from this map, in a sentence and in figures."""
    quality = projection.quality
    with st.container(border=True):
        st.markdown("**How far to trust this map**")
        st.markdown(quality.sentence())
        with st.container(horizontal=True, gap="medium"):
            st.metric(
                "Trustworthiness",
                "–" if math.isnan(quality.trustworthiness) else f"{quality.trustworthiness:.3f}",
                help="1 where no image lies near another that is far from it in feature space (Venna and "
                f"Kaski 2001); {quality.neighbours} neighbours, on {count(quality.sample, 'image')}.",
                width="content",
            )
            st.metric(
                "Neighbours kept",
                f"{quality.kept:.0%}",
                help=f"Of an image's {quality.neighbours} nearest in feature space; a random map keeps "
                f"{quality.chance:.1%}.",
                width="content",
            )
            _stability(projection)
        _notes(projection)
        if projection.parameters.method != "pca" and quality.stability is None:
            explorer_maps.offer(view, projection.parameters, label="Try another seed", stability=True)


def _stability(projection: Projection) -> None:
    stability = projection.quality.stability
    if projection.parameters.method == "pca":
        shown, why = "exact", "PCA takes no random numbers: it always comes out the same."
    elif stability is None:
        shown, why = "not tried", "Lays the map out again with another seed and compares: twice the time."
    else:
        shown, why = f"{stability:.0%}", "Neighbours that stay neighbours when the seed changes."
    st.metric("Seed stability", shown, help=why, width="content")


def _notes(projection: Projection) -> None:
    notes = []
    if projection.explained:
        shares = ", ".join(f"{share:.1%}" for share in projection.explained)
        notes.append(f"The axes show {sum(projection.explained):.1%} of the variance ({shares}).")
    else:
        notes.append("Axes, sizes of groups and gaps between them have no meaning here.")
    shown = int(projection.shown.sum())
    if projection.fitted < shown:
        notes.append(
            f"Laid out for {projection.fitted:,} images; {shown - projection.fitted:,} placed among them."
        )
    st.caption(" ".join(notes))


def draw_original(view: View) -> None:
    """How well labels are apart in the original space, and whether what mixes is what is confused."""
    try:
        found = view_separation(view)
    except SelectionError as error:
        st.caption(md(f"{error.title}. {error.cause}"))
        return
    apart = ", none of the same object" if found.apart else ""
    silhouette = "" if math.isnan(found.silhouette) else f" Mean silhouette {found.silhouette:.2f}."
    st.markdown(
        f"The {found.neighbours} nearest images{apart}, vote for the true {md(view.selection.task)} in "
        f"**{found.accuracy.text()}** of {found.accuracy.support()}.{silhouette}"
    )
    left, right = st.columns([7, 8], gap="small")
    with left:
        st.markdown("**Labels**, least apart first")
        st.dataframe(separation_table(found), hide_index=True, height=320, key="explorer.separation")
    with right:
        mixed = overlap(found, view_confusion(view))
        st.markdown("**Pairs that mix**, and how often they are confused")
        st.dataframe(
            overlap_table(mixed),
            hide_index=True,
            column_config={name: st.column_config.Column(width=width) for name, width in WIDTHS.items()},
            height=320,
            key=_OVERLAP,
            on_select=partial(_pick_pair, view, mixed),
            selection_mode="single-cell",
        )
        st.caption(f"{mixed.sentence()} Click a pair to pick its confused images on the map.")


def draw_axes(view: View, dimensions: int) -> None:
    """The images at both ends of every principal component."""
    for axis in explorer_maps.view_axes(view, dimensions):
        st.markdown(f"**Axis {axis.number}**, {axis.explained:.1%} of the variance")
        for column, name, rows in zip(
            st.columns(2, gap="large"), ("low", "high"), (axis.low, axis.high), strict=True
        ):
            with column:
                st.caption({"low": "Towards the low end", "high": "Towards the high end"}[name])
                key = f"explorer.axis.{axis.number}.{name}"
                clicked = mount_cards(
                    view, rows, key=key, label=f"Axis {axis.number}, {name}", width="6.5rem"
                )
                if clicked is not None:
                    show_detail(view, clicked, rows)


def separation_table(found: Separation) -> pd.DataFrame:
    """Per label: neighbours' vote with its interval, silhouette, images; worst first."""
    return pd.DataFrame(
        [
            {
                "label": row.label,
                "neighbours' vote": row.accuracy.text(),
                "silhouette": None if math.isnan(row.silhouette) else round(row.silhouette, 2),
                "images": row.n,
            }
            for row in found.worst
        ]
    )


def overlap_table(found: Overlap) -> pd.DataFrame:
    """The most mixed pairs."""
    return pd.DataFrame(
        [
            {
                "pair": f"{pair.first} / {pair.second}",
                "mixing": f"{pair.mixing:.1%}",
                "confused": pair.confused,
                "images": pair.support,
            }
            for pair in found.pairs[:MOST_PAIRS]
        ]
    )


def pair_rows(view: View, first: str, second: str) -> Rows:
    """The view's images of either label that are taken for the other; where there is none, those of both."""
    codes = [view.outcomes.labels.index(label) for label in (first, second)]
    truth, said = view.outcomes.truth[view.rows], view.outcomes.prediction[view.rows]
    both = np.isin(truth, codes)
    confused = both & np.isin(said, codes) & (truth != said)
    return np.asarray(view.rows[confused if confused.any() else both], dtype=np.int64)


def _pick_pair(view: View, found: Overlap) -> None:
    cells = st.session_state[_OVERLAP]["selection"]["cells"]
    if cells and cells[0][0] < len(found.pairs):
        pair = found.pairs[cells[0][0]]
        keep(view, pair_rows(view, pair.first, pair.second))


def view_separation(view: View) -> Separation:
    """How well the head's labels are apart among the view's rows."""
    return _separation(view.key, view)


@st.cache_resource(show_spinner="Measuring the original space", max_entries=16)
def _separation(key: tuple[str, ...], _view: View) -> Separation:
    outcomes = _view.outcomes
    instances = _view.dataset.instances if _view.dataset.has_instances else None
    return separation(
        explorer_maps.view_space(_view), outcomes.truth, outcomes.labels, instances, rows=_view.mask
    )
