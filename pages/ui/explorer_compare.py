"""A second checkpoint's map beside the first: laid over it, coloured alike, the picked images marked."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.figures.scatter import scatter
from core.models import Checkpoint
from core.projection import Projection, align
from core.projection.placement import sample_rows
from pages.ui import empty, explorer_maps, resources
from pages.ui.explorer_colours import colouring
from pages.ui.explorer_picked import picked_rows, take_some
from pages.ui.state import NotIndexed, View, usable_checkpoints
from pages.ui.text import md
from pages.ui.theme import mode

MOST_BESIDE = 30_000


def other_checkpoints(view: View) -> list[Checkpoint]:
    """Checkpoints that know this head too."""
    return [
        checkpoint
        for checkpoint in usable_checkpoints(view.dataset)
        if checkpoint.hash != view.checkpoint.hash and view.selection.task in checkpoint.taxonomy
    ]


def draw_beside(view: View, projection: Projection, colour: str) -> None:
    """The map of the checkpoint that was chosen in "Beside it", made in the same way."""
    wanted = st.session_state.get("explorer.beside")
    checkpoint = next((found for found in other_checkpoints(view) if found.name == wanted), None)
    if checkpoint is None:
        return
    st.subheader(f"{md(view.checkpoint.name)} beside {md(checkpoint.name)}", anchor=False)
    predictions = resources.indexed(view.dataset, checkpoint)
    if predictions is None:
        empty.draw(NotIndexed(view.dataset, checkpoint))
        return
    other = explorer_maps.with_checkpoint(view, checkpoint, predictions)
    second = explorer_maps.find_map(other, projection.parameters)
    if second is None:
        explorer_maps.offer(other, projection.parameters)
        return
    _pair(view, other, projection, second, colour)


def _pair(view: View, other: View, first: Projection, second: Projection, colour: str) -> None:
    aligned = align(first.coords, second.coords)
    rows = picked_rows(view)
    drawn = view.rows[np.isfinite(aligned.first[view.rows, 0])]
    if len(drawn) > MOST_BESIDE:
        drawn = drawn[sample_rows(len(drawn), MOST_BESIDE, 0)]
        st.caption(f"{MOST_BESIDE:,} of {len(view.rows):,} images, drawn at random.")
    for column, shown, coords in zip(
        st.columns(2, gap="medium"), (view, other), (aligned.first, aligned.second), strict=True
    ):
        with column:
            st.markdown(f"**{md(shown.checkpoint.name)}**")
            figure = scatter(
                coords,
                colouring(shown, colour),
                drawn,
                wrong=np.asarray(shown.outcomes.scored & ~shown.outcomes.correct),
                highlighted=rows if len(rows) else None,
                mode=mode(),
                height=440,
            )
            figure.update_layout(showlegend=False)
            config = {"scrollZoom": True, "displaylogo": False}
            key = f"explorer.beside.{shown.checkpoint.hash[:12]}"
            st.plotly_chart(
                figure,
                key=key,
                config=config,
                on_select=partial(_take, view, key),
                selection_mode=("points", "box", "lasso"),
            )
    st.caption(
        f"The second map is turned, mirrored and scaled onto the first (Procrustes); {aligned.disparity:.0%} "
        "of their shapes differ. Images picked on any of the maps stand out in both."
    )


def _take(view: View, key: str) -> None:
    take_some(view, st.session_state[key])
