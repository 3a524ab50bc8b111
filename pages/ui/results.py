"""Results that pages share, computed once per view and kept by what they are computed from."""

from __future__ import annotations

import streamlit as st

from core.evaluation import ClassReport, Confusion, Scores, class_report, confusion, scores
from core.evaluation.confusion import Normalisation, Order
from core.evaluation.outcomes import Mask, Outcomes
from core.figures.matrix import MatrixFigure, matrix_figure
from pages.ui.state import View

Key = tuple[str, ...]


def view_confusion(view: View) -> Confusion:
    """The confusion matrix of the view's rows."""
    return _confusion(view.key, view.outcomes, view.mask)


def view_matrix(
    view: View, by: Normalisation, order: Order, hide_empty: bool, most: int | None
) -> MatrixFigure:
    """The same, laid out."""
    return _matrix(view.key, by, order, hide_empty, most, view_confusion(view))


def view_report(view: View) -> ClassReport:
    """The per-class report of the view's rows."""
    return _report(view.key, view.outcomes, view.mask)


def split_scores(key: Key, outcomes: Outcomes, mask: Mask) -> Scores:
    """The headline scores of one head on a split; `key` names predictions, head and split."""
    return _scores(key, outcomes, mask)


@st.cache_resource(show_spinner=False, max_entries=64)
def _confusion(key: Key, _outcomes: Outcomes, _mask: Mask) -> Confusion:
    return confusion(_outcomes, _mask)


@st.cache_resource(show_spinner=False, max_entries=64)
def _matrix(
    key: Key, by: Normalisation, order: Order, hide_empty: bool, most: int | None, _confusion: Confusion
) -> MatrixFigure:
    return matrix_figure(_confusion, by, order, hide_empty=hide_empty, most=most)


@st.cache_resource(show_spinner=False, max_entries=64)
def _report(key: Key, _outcomes: Outcomes, _mask: Mask) -> ClassReport:
    return class_report(_outcomes, _mask)


@st.cache_resource(show_spinner=False, max_entries=256)
def _scores(key: Key, _outcomes: Outcomes, _mask: Mask) -> Scores:
    return scores(_outcomes, _mask)
