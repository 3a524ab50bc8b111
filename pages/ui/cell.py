"""The picked cell of the confusion matrix: in the session, in the link, and as images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.evaluation import Confusion, mistakes
from core.evaluation.confusion import NO_PREDICTION
from pages.ui.state import View

PARAMETER = "cell"


def picked(view: View, confusion: Confusion) -> tuple[int, int] | None:
    """Codes of truth and prediction of the cell that is shown: the link's, or the largest confusion."""
    asked = _read(st.query_params.get(PARAMETER, ""), view)
    return worst(confusion) if asked is None else asked


def pick(view: View, cell: tuple[int, int]) -> None:
    """Show `cell` and put it into the link, by its labels: codes may change with a data set."""
    truth, prediction = cell
    names = (*view.outcomes.labels, NO_PREDICTION)
    st.query_params[PARAMETER] = cell_name(names[truth], names[prediction])


def cell_name(truth: str, prediction: str) -> str:
    """A cell in a link."""
    return f"{_quote(truth)}~{_quote(prediction)}"


def worst(confusion: Confusion) -> tuple[int, int] | None:
    """The fullest cell off the diagonal; the fullest of all where nothing is wrong; None without images."""
    cells = confusion.cells()
    wrong = [cell for cell in cells if not cell.right]
    first = next(iter(wrong or cells), None)
    return None if first is None else (first.row, first.column)


def cell_rows(view: View, cell: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The view's rows in `cell`: mistakes with the surest first, right ones with the least sure first."""
    truth, prediction = cell
    outcomes = view.outcomes
    wanted = prediction if prediction < len(outcomes.labels) else -1
    rows = np.flatnonzero(view.mask & (outcomes.truth == truth) & (outcomes.prediction == wanted))
    confidence = np.nan_to_num(outcomes.confidence[rows], nan=-1.0)
    return rows[np.argsort(confidence if truth == prediction else -confidence, kind="stable")].astype(
        np.int64
    )


def errors_left(view: View) -> int:
    """How many images of the view are mistaken."""
    return int(mistakes(view.outcomes, view.mask).sum())


def _read(text: str, view: View) -> tuple[int, int] | None:
    names = [_quote(label) for label in (*view.outcomes.labels, NO_PREDICTION)]
    truth, separator, prediction = text.partition("~")
    if not separator or truth not in names[:-1] or prediction not in names:
        return None
    return names.index(truth), names.index(prediction)


def _quote(label: str) -> str:
    return label.replace("%", "%25").replace("~", "%7E")
