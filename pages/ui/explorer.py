"""The Explorer: choose a map and what colours it, pick points, see the images; trust beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from core.figures.pins import Pin
from core.figures.scatter import scatter
from core.projection import PRESETS, Parameters, Projection
from core.projection.placement import sample_rows
from pages.ui import explorer_maps, pictures
from pages.ui.cards import caption_of
from pages.ui.controls import choice, picker, switch
from pages.ui.errors import guard
from pages.ui.explorer_colours import colour_names, colouring, note_on
from pages.ui.explorer_compare import draw_beside, other_checkpoints
from pages.ui.explorer_hover import listen
from pages.ui.explorer_picked import draw_picked, picked_rows, take
from pages.ui.explorer_pins import draw_pins
from pages.ui.explorer_raster import as_raster, draw_raster, publish_words
from pages.ui.explorer_trust import draw_axes, draw_original, draw_trust
from pages.ui.state import View
from pages.ui.text import html, md
from pages.ui.theme import mode

DIMENSIONS = {"2": "2-D", "3": "3-D"}
DRAWN = {"auto": "Auto", "points": "Points", "picture": "Density"}
NONE = "(none)"
MOST_3D = 50_000
"""Points of a map in 3-D: WebGL turns no more than these smoothly."""


def draw_explorer(view: View) -> None:
    """Draw the page for the view's rows."""
    if not len(view.rows):
        st.info(
            "No image of this selection. Widen the filters in the sidebar.", icon=":material/filter_alt_off:"
        )
        return
    _explore(view)


@st.fragment(key="explorer")
def _explore(view: View) -> None:
    """Controls, map, picked images and trust: choosing among them redraws only this."""
    with guard():
        parameters = _controls(view)
        colour = st.session_state["explorer.colour"]
        projection = explorer_maps.find_map(view, parameters)
        if projection is None:
            explorer_maps.offer(view, parameters)
            st.caption("Until it is there, the straight map (PCA):")
            projection = explorer_maps.find_map(view, Parameters("pca", parameters.dimensions))
        if projection is None:
            return
        pins = draw_pins(view, projection)
        left, right = st.columns([3, 2], gap="large")
        with left:
            _map(view, projection, colour, pins)
            draw_trust(view, projection)
        with right:
            draw_picked(view, picked_rows(view), projection.dimensions)
        draw_beside(view, projection, colour)
        _below(view, projection)


def _controls(view: View) -> Parameters:
    """The row of choices above the map; the parameters that they ask for."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        preset = choice("Map", "map", {name: found.name for name, found in PRESETS.items()}, "pca")
        dimensions = choice("Axes", "axes", DIMENSIONS, "2")
        parameters = replace(PRESETS[preset].parameters, dimensions=int(dimensions))
        if parameters.method != "pca":
            parameters = _tuned(preset, parameters)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        names = colour_names(view)
        with st.container(width=260):
            shown = picker("Colour by", "colour", list(names.values()), names["truth"])
        st.session_state["explorer.colour"] = next(name for name, text in names.items() if text == shown)
        others = [checkpoint.name for checkpoint in other_checkpoints(view)]
        with st.container(width=260):
            st.session_state["explorer.beside"] = (
                picker("Beside it", "beside", [NONE, *others], NONE) if others else NONE
            )
        if dimensions == "2" and pictures.served_by_route():
            choice("Drawn as", "draw", DRAWN, "auto")
        switch("Show the rest of the data set", "rest", True)
    st.caption(PRESETS[preset].help)
    return parameters


def _tuned(preset: str, parameters: Parameters) -> Parameters:
    """The preset's parameters, which a popover lets one change."""
    with st.popover("Parameters", icon=":material/tune:"):
        key = f"explorer.{preset}"
        if parameters.method == "umap":
            neighbours = st.slider(
                "Neighbours",
                2,
                100,
                parameters.neighbours,
                key=f"{key}.neighbours",
                help="How many similar images each one listens to: few show detail, many the big picture.",
            )
            distance = st.slider(
                "Minimum distance",
                0.0,
                1.0,
                parameters.min_dist,
                0.05,
                key=f"{key}.distance",
                help="How tightly points may be packed: 0 makes knots, 1 spreads them evenly.",
            )
            parameters = replace(parameters, neighbours=int(neighbours), min_dist=round(float(distance), 2))
        else:
            perplexity = st.slider(
                "Perplexity",
                2,
                100,
                int(parameters.perplexity),
                key=f"{key}.perplexity",
                help="About how many similar images each one listens to.",
            )
            parameters = replace(parameters, perplexity=float(perplexity))
        seed = st.number_input(
            "Seed",
            0,
            2**31 - 1,
            0,
            key=f"{key}.seed",
            help="Another seed, another map: what stays can be trusted more.",
        )
    return replace(parameters, seed=int(seed))


def _map(view: View, projection: Projection, colour: str, pins: Sequence[Pin]) -> None:
    """The map with what is to be said below it: a picture of the server's, or points in the browser."""
    if as_raster(view, projection, st.session_state.get("choice.draw", "auto")):
        draw_raster(view, projection, colour, pins)
        drawn = "The server draws this map anew for every window; near enough, rings mark the mistakes"
    else:
        _points(view, projection, colour, pins)
        drawn = "A ring marks a mistake"
    wrong = int((view.outcomes.scored & ~view.outcomes.correct)[view.rows].sum())
    absent = len(view.rows) - int(projection.shown[view.rows].sum())
    missing = f" {absent:,} without features are not drawn." if absent else ""
    st.caption(f"{drawn} ({wrong:,}).{missing} {md(note_on(view, colour), 400)}")


def _points(view: View, projection: Projection, colour: str, pins: Sequence[Pin]) -> None:
    rest = st.session_state.get("choice.rest", True)
    unit = " of the variance" if projection.dimensions == 2 else ""  # in 3-D there is no room for it
    names = tuple(
        f"Component {number + 1} ({share:.1%}{unit})" for number, share in enumerate(projection.explained)
    )
    rows = view.rows
    if projection.dimensions == 3 and len(rows) > MOST_3D:
        rows = rows[sample_rows(len(rows), MOST_3D, 0)]
        st.caption(
            f"{MOST_3D:,} of {len(view.rows):,} images, drawn at random: more cannot be turned smoothly."
        )
    figure = scatter(
        projection.coords,
        colouring(view, colour),
        rows,
        wrong=np.asarray(view.outcomes.scored & ~view.outcomes.correct),
        context=np.flatnonzero(projection.shown & ~view.mask) if rest else None,
        hover=hover(view),
        axes=names,
        pins=pins,
        mode=mode(),
    )
    key = f"explorer.map.{projection.key[:12]}"
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: take(view, st.session_state[key]),
        selection_mode=("points", "box", "lasso"),
        config={
            "scrollZoom": True,
            "displaylogo": False,
            "modeBarButtonsToRemove": ["autoScale2d"],
            "toImageButtonOptions": {"filename": f"map-{projection.parameters.method}", "scale": 2},
        },
        alt=f"Map of {len(view.rows)} images by {projection.parameters.text()}",
    )
    shown = rows[projection.shown[rows]]
    listen(view, shown, lambda event: take(view, event), publish_words(view, len(shown)))


def hover(view: View) -> Callable[[int], str]:
    """What hovering over a row says: its caption, both labels and the confidence, as Plotly's HTML."""
    outcomes = view.outcomes
    names = (*outcomes.labels, "–")

    def text(row: int) -> str:
        truth, prediction = names[outcomes.truth[row]], names[outcomes.prediction[row]]
        confidence = outcomes.confidence[row]
        sure = f" ({confidence:.0%})" if np.isfinite(confidence) else ""
        return (
            f"<b>{html(caption_of(view, row)[:60])}</b><br>truth: {html(truth)}<br>"
            f"predicted: {html(prediction)}{sure}"
        )

    return text


def _below(view: View, projection: Projection) -> None:
    """What takes longer is computed only when it is opened."""
    names = ["In the original space", *(["Along the axes"] if projection.explained else [])]
    for name, tab in zip(names, st.tabs(names, on_change="rerun", key="explorer.below"), strict=True):
        if tab.open:
            with tab:
                if name == names[0]:
                    draw_original(view)
                else:
                    draw_axes(view, projection.dimensions)
