"""Probabilities of every head for one image, the true label marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

_FOLDER = Path(__file__).parent
_HEADS = st.components.v2.component(
    "vitrine_heads",
    html='<div class="heads"></div>\n<!-- filled by the script -->',
    css=(_FOLDER / "heads.css").read_text("utf-8"),
    js=(_FOLDER / "heads.js").read_text("utf-8"),
)


def heads(
    probabilities: Mapping[str, npt.NDArray[np.floating[Any]]],
    labels: Mapping[str, Sequence[str]],
    *,
    truth: Mapping[str, str] | None = None,
    top: int = 3,
    key: str,
) -> None:
    """Draw each head's `top` labels by probability (L,), and its true label where `truth` names one."""
    known = truth or {}
    described = [
        head(task, p, labels[task], known.get(task), top, bool(truth)) for task, p in probabilities.items()
    ]
    _HEADS(key=key, data={"heads": described})


def head(
    task: str,
    probabilities: npt.NDArray[np.floating[Any]],
    labels: Sequence[str],
    truth: str | None,
    top: int,
    judged: bool,
) -> dict[str, Any]:
    """What the browser needs to draw one head. `judged` is False where no truth can be known (uploads)."""
    if not np.isfinite(probabilities).all():
        return _silent(task)
    order = np.argsort(-probabilities, kind="stable")
    rows = [_row(labels, probabilities, int(code), truth) for code in order[:top]]
    remark, outcome, verdict = "", "", ""
    if truth is not None and not any(row["truth"] for row in rows):
        if truth in labels:
            code = list(labels).index(truth)
            rows.append(_row(labels, probabilities, code, truth))
            remark = f"The true label is number {int(np.flatnonzero(order == code)[0]) + 1} of {len(labels)}."
        else:
            remark = f"The true label is “{truth}”, which this checkpoint does not know."
    if truth is not None:
        right = labels[int(order[0])] == truth
        outcome, verdict = ("right", "✓ right") if right else ("wrong", "✗ wrong")
    elif judged:
        verdict = "no true label"
    return {"task": task, "outcome": outcome, "verdict": verdict, "rows": rows, "remark": remark}


def _row(
    labels: Sequence[str], probabilities: npt.NDArray[np.floating[Any]], code: int, truth: str | None
) -> dict[str, Any]:
    return {"label": labels[code], "p": round(float(probabilities[code]), 5), "truth": labels[code] == truth}


def _silent(task: str) -> dict[str, Any]:
    return {
        "task": task,
        "outcome": "",
        "verdict": "no prediction",
        "rows": [],
        "remark": "This image is not indexed.",
    }
