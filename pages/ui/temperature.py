"""Temperatures on the Calibration page: what they do to every head, and the button that fits them."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.calibrate import FITTED_ON, JUDGED_ON, calibrate, fit_scalings
from core.data import Dataset
from core.evaluation.estimate import Estimate
from core.evaluation.temperature import Scaling
from core.store import Predictions
from pages.ui import resources
from pages.ui.errors import guard
from pages.ui.state import View
from pages.ui.text import count, md

SAME = 0.005
"""Relative difference up to which the card's temperature is the one that validation images give."""


def draw_temperature(view: View) -> None:
    """What is on the card, a button where nothing is, and before and after on images not used for fitting."""
    card = view.checkpoint.card
    found = _scalings(*resources.features(view.dataset, view.predictions), view.dataset, view.predictions)
    if not found:
        used = "use the card's temperatures." if card.temperature else "are shown as the network gives them."
        st.caption(
            f"This data set has no labelled images in a split '{FITTED_ON}' to fit a temperature on; "
            f"probabilities {used}"
        )
        return
    if card.temperature:
        st.markdown(_in_use(view))
    else:
        _offer(view)
    st.dataframe(
        pd.DataFrame([_row(one, card.temperature.get(one.task, 1.0)) for one in found]),
        hide_index=True,
        column_config={
            "In use": st.column_config.NumberColumn(format="%.2f"),
            "Validation gives": st.column_config.NumberColumn(format="%.2f"),
        },
        key="temperature",
    )
    st.caption(
        f"Fitted on the {FITTED_ON} split, judged on the {JUDGED_ON} split: raw (temperature 1) against "
        "scaled by what validation gives, with 95 % intervals. Log-loss saved is in nats per image; where "
        "its interval lies above 0 the temperature surely helps. Below 1 the network was too modest, above 1 "
        "too sure. Predictions stay the same."
    )


def _in_use(view: View) -> str:
    facts = view.checkpoint.card.calibration
    used = view.checkpoint.card.temperature.get(view.selection.task, 1.0)
    where = "" if facts is None else f", fitted on the {md(facts.split)} split of {md(facts.data)}"
    return (
        f"Every probability of {md(view.selection.task)}, here, in thresholds and in search, uses the "
        f"temperature **{used:.2f}** of the card{where}."
    )


def _offer(view: View) -> None:
    st.markdown(
        f"The card of {md(view.checkpoint.name)} holds no temperature: probabilities are shown as the "
        "network gives them. One temperature per head, fitted on validation images, can mend that."
    )
    if resources.settings().read_only:
        st.caption("This dashboard is read-only: whoever runs it can use `python -m core calibrate`.")
    elif st.button("Fit temperatures", icon=":material/thermostat:", key="temperature.fit"):
        with guard():
            found = calibrate(view.checkpoint, view.dataset, view.predictions)
            st.toast(f"{count(len(found.scalings), 'temperature')} written on the card.")
            st.rerun()


def _row(one: Scaling, used: float) -> dict[str, object]:
    raw, scaled = one.before, one.after
    return {
        "Head": one.task,
        "In use": used,
        "Validation gives": used if math.isclose(used, one.temperature, rel_tol=SAME) else one.temperature,
        "Fitted on": count(one.images, "image"),
        "ECE raw": "–" if raw is None else raw.ece.text(),
        "ECE scaled": "–" if scaled is None else scaled.ece.text(),
        "Log-loss raw": "–" if raw is None else raw.log_loss.text(percent=False),
        "Log-loss scaled": "–" if scaled is None else scaled.log_loss.text(percent=False),
        "Log-loss saved": _signed(one.gain),
    }


def _signed(gain: Estimate | None) -> str:
    return "–" if gain is None else gain.text(percent=False)


@st.cache_resource(show_spinner="Fitting temperatures", max_entries=16)
def _scalings(
    fingerprint: str, checkpoint: str, state: str, _dataset: Dataset, _predictions: Predictions
) -> tuple[Scaling, ...]:
    return fit_scalings(_dataset, _predictions)
