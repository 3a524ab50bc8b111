"""What leaks from one split into another: near-duplicates side by side, objects in several splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.ui.audit_result import Result
from pages.ui.cards import mount_cards
from pages.ui.controls import switch
from pages.ui.detail import show_detail
from pages.ui.gallery import gallery
from pages.ui.state import View
from pages.ui.text import count, md

PAGE = 12
Pair = Mapping[str, Any]


def draw_duplicates(view: View, found: Result) -> None:
    """Pairs of images that show the same picture, those across splits first."""
    pairs = [one for one in found.entries("near_duplicates") if one["other"] in found.places]
    across = [one for one in pairs if one["splits"][0] != one["splits"][1]]
    st.markdown(f"**{count(len(across), 'pair')}** across splits, {len(pairs) - len(across):,} within one.")
    if not pairs:
        st.caption("No two images show the same picture.")
        return
    shown = across if switch("Only across splits", "across", bool(across)) else pairs
    number = 1
    if len(shown) > PAGE:
        number = min(int(st.session_state.get("audit.pairs") or 1), -(-len(shown) // PAGE))
        st.pagination(-(-len(shown) // PAGE), key="audit.pairs")
    columns = st.columns(2, gap="medium")
    for k, pair in enumerate(shown[PAGE * (number - 1) : PAGE * number]):
        with columns[k % 2], st.container(border=True):
            _pair(view, found, pair, k)


def _pair(view: View, found: Result, pair: Pair, k: int) -> None:
    rows = (found.places[pair["path"]], found.places[pair["other"]])
    one, other = pair["splits"]
    how = "identical files" if pair["exact"] else f"correlation {pair['similarity']:.3f}"
    where = f":orange[{md(one)} and {md(other)}]" if one != other else f"both {md(one)}"
    st.caption(f"{where} · {how}")
    clicked = mount_cards(view, rows, key=f"audit-pair-{k}", label=f"Pair {k + 1}", width="11rem")
    if clicked is not None:
        show_detail(view, clicked, rows)


def draw_leaks(view: View, found: Result) -> None:
    """Objects that are in several splits, their images, and what the leaks do to the score."""
    from core.audit.leakage import leaking_instances

    leaking = leaking_instances(view.dataset)
    if not view.dataset.has_instances:
        st.info("The data set does not say which images show one object, so objects cannot be followed.")
    else:
        st.markdown(f"**{count(len(leaking), 'object')}** with images in more than one split.")
    _effect(view, found)
    if leaking:
        rows = [
            {"Object": one.instance_id, "Splits": ", ".join(one.splits), "Images": len(one.rows)}
            for one in leaking
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="audit.leaking")
        images = np.array([row for one in leaking for row in one.rows], dtype=np.int64)
        splits = view.dataset.table["split"].astype(str)

        def note(row: int) -> str:
            return f"{view.dataset.table['instance_id'].iat[row]} · {splits.iat[row]}"

        gallery(view, images, key="audit-leaking", note=note, label="Leaking images")


def _effect(view: View, found: Result) -> None:
    """The score of the view's head on each later split with and without the leaked images."""
    from core.audit.leakage import leak_effect, leaked_rows, leaking_instances

    leaked = leaked_rows(view.dataset, leaking_instances(view.dataset), ())
    pairs = [one for one in found.entries("near_duplicates") if one["splits"][0] != one["splits"][1]]
    leaked[found.rows(pairs)] = True
    if not leaked.any():
        st.success("No image outside the training split shows what an earlier split holds.")
        return
    effects = [
        leak_effect(view.dataset, view.outcomes, leaked, split)
        for split in view.dataset.splits
        if (view.dataset.split_mask(split) & leaked).any()
    ]
    rows = [
        {
            "Split": one.split,
            "Leaked images": one.leaked,
            "Accuracy with them": one.with_leaks.text(),
            "Accuracy without them": one.without_leaks.text(),
            "Rests on": one.without_leaks.support(),
        }
        for one in effects
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="audit.effect")
    st.caption(f"Of {md(view.checkpoint.name)}, head {md(view.selection.task)}, with 95 % intervals.")
