"""The Calibration page: whether confidence can be believed, and what answering only when sure gives."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.evaluation import Outcomes
from core.evaluation.calibration import Calibration, calibration
from core.evaluation.coverage import (
    CoverageCurve,
    ThresholdAnswer,
    answer_from,
    coverage_curve,
    threshold_for,
)
from core.figures.calibration import coverage_figure, reliability_figure
from pages.ui import resources
from pages.ui.errors import guard
from pages.ui.fair import fair_mask
from pages.ui.state import View
from pages.ui.text import count, md
from pages.ui.theme import mode

PARAMETER = "t"
"""The link's parameter: the threshold, in hundredths."""
DEFAULT = 0.8
PLAIN = {"displayModeBar": False}
Mask = npt.NDArray[np.bool_]
Key = tuple[str, ...]


def judged_rows(view: View) -> Mask | None:
    """The rows that the head is judged on; None, with a word on why, where none has a label and an answer."""
    mask = fair_mask(view)
    if (mask & view.outcomes.scored & view.outcomes.answered).any():
        return mask
    st.info("No image of this selection has both a label and a prediction. Widen the filters in the sidebar.")
    return None


def draw_reliability(view: View, mask: Mask) -> None:
    """Figures of calibration, and the reliability diagram."""
    found = _calibration(_key(view, mask), view.outcomes, mask)
    with st.container(horizontal=True, gap="large"):
        for name, value, hint in _figures(found):
            main, _, interval = value.partition(" (")
            with st.container(width="content", gap=None):
                st.metric(name, main, help=hint)
                st.caption(interval.rstrip(")") or "on average")
    st.markdown(_verdict(found))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(reliability_figure(found, mode()), key="reliability", config=PLAIN)
    with right:
        st.markdown("**How to read it**")
        st.markdown(
            "Each mark is a bin of images with a like confidence; its area is how many. Below the dotted "
            "line the head is surer than it is right, above it is too modest. Bars are 95 % intervals: where "
            "one crosses the line, these images do not show a fault in that bin."
        )


def _figures(found: Calibration) -> tuple[tuple[str, str, str], ...]:
    return (
        ("Mean confidence", f"{100 * found.confidence:.1f} %", "Over the images judged."),
        (
            "Accuracy",
            found.accuracy.text(),
            f"Among images with a prediction, on {found.accuracy.support()}.",
        ),
        (
            "ECE",
            found.ece.text(),
            f"Mean gap between confidence and accuracy over ten equal bins. A perfectly calibrated head "
            f"would show {100 * found.chance_ece:.1f} % on these few images.",
        ),
        ("Adaptive ECE", found.adaptive_ece.text(), "The same over ten bins with equally many images."),
        ("Brier score", found.brier.text(percent=False), "Squared distance of the probabilities, 0 to 2."),
    )


def _verdict(found: Calibration) -> str:
    gap = 100 * (found.confidence - found.accuracy.value)
    low, high = 100 * found.accuracy.low, 100 * found.accuracy.high
    support = found.accuracy.support()
    if low <= 100 * found.confidence <= high:
        return (
            f"Mean confidence lies within the interval of the accuracy: on {support} the head is neither "
            f"shown to be overconfident nor too modest. ECE is {100 * found.ece.value:.1f} %; a "
            f"perfectly calibrated head would show {100 * found.chance_ece:.1f} % here by chance."
        )
    how = "surer than it is right" if gap > 0 else "more often right than it is sure"
    return f"On {support} the head is {how}: mean confidence and accuracy differ by {abs(gap):.1f} points."


@st.fragment(key="coverage")
def draw_threshold(view: View, mask: Mask) -> None:
    """The curve of accuracy over coverage and the threshold tool; moving the threshold redraws only this."""
    with guard():
        key = _key(view, mask)
        left, right = st.columns([3, 2], gap="large")
        with right:
            chosen = answer_from(view.outcomes, mask, _threshold())
            st.markdown(f"### {sentence(chosen)}")
            st.caption(_counts(chosen))
            _target(view, mask)
        with left:
            curve = _curve(key, view.outcomes, mask)
            st.plotly_chart(coverage_figure(curve, chosen, mode()), key="coverage-curve", config=PLAIN)
            st.caption("From right to left fewer images are answered: those the head is surest of.")


def sentence(chosen: ThresholdAnswer) -> str:
    """What the threshold gives, in words for Markdown."""
    head = f"Answer only when ≥ {chosen.threshold:.2f}: covers {100 * chosen.coverage.value:.1f} %"
    if not chosen.answered:
        return f"{head}; nothing is answered"
    return f"{head}, accuracy {100 * chosen.accuracy.value:.1f} %"


def _counts(chosen: ThresholdAnswer) -> str:
    return (
        f"{count(chosen.answered, 'image')} of {chosen.coverage.support()} answered, "
        f"{chosen.errors:,} of them wrongly; {count(chosen.errors_avoided, 'error')} avoided.  \n"
        f"Coverage {chosen.coverage.text()}, accuracy {chosen.accuracy.text()}: 95 % intervals"
        + (" that know which images show one object." if chosen.coverage.instances is not None else ".")
    )


def _threshold() -> float:
    if "threshold" not in st.session_state:
        asked = st.query_params.get(PARAMETER, st.session_state.get("kept.t", ""))
        known = asked.isascii() and asked.isdigit() and int(asked) <= 100
        st.session_state["threshold"] = int(asked) / 100 if known else DEFAULT
    value = float(st.slider("Answer from this confidence on", 0.0, 1.0, step=0.01, key="threshold"))
    st.query_params[PARAMETER] = st.session_state["kept.t"] = str(round(100 * value))
    return value


def _target(view: View, mask: Mask) -> None:
    """The threshold that reaches an accuracy on validation, and what it gives on the images shown."""
    split = "val" if "val" in view.dataset.splits else view.selection.split
    target = st.number_input(
        f"Or: accuracy wanted on the {md(split)} split, in per cent", 50.0, 100.0, 98.0, 0.5, key="target"
    )
    rows = view.dataset.split_mask(split)
    if not (rows & view.outcomes.scored & view.outcomes.answered).any():
        st.caption("That split has no image with a label and a prediction.")
        return
    found = threshold_for(view.outcomes, rows, target / 100)
    if found is None:
        st.caption(f"No threshold reaches {target:.1f} % there.")
        return
    here = answer_from(view.outcomes, mask, found.threshold)
    same = " These are the images it was chosen on, so it flatters." if split == view.selection.split else ""
    st.caption(
        f"Reached from {found.threshold:.3f} on, chosen on {found.coverage.support()}. On the images shown "
        f"it covers {here.coverage.text()} at an accuracy of {here.accuracy.text()}.{same}"
    )


def _key(view: View, mask: Mask) -> Key:
    rows = hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
    return (*resources.identity(view.dataset, view.predictions), view.selection.task, rows)


@st.cache_resource(show_spinner=False, max_entries=64)
def _calibration(key: Key, _outcomes: Outcomes, _mask: Mask) -> Calibration:
    return calibration(_outcomes, _mask)


@st.cache_resource(show_spinner=False, max_entries=64)
def _curve(key: Key, _outcomes: Outcomes, _mask: Mask) -> CoverageCurve:
    return coverage_curve(_outcomes, _mask)
