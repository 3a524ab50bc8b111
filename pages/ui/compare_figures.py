"""Every chosen checkpoint and head side by side: scores, log-loss and calibration with their intervals."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.evaluation.estimate import Estimate
from pages.ui.compare_members import Members, line

PERCENT = st.column_config.NumberColumn(format="%.1f")
NATS = st.column_config.NumberColumn(format="%.3f")


def draw_figures(group: Members) -> None:
    """Every checkpoint and head: scores with intervals."""
    rows = []
    for task in group.tasks:
        for name, outcomes in group.heads(task).items():
            found = line(group, name, task, outcomes)
            ece = None if found.calibration is None else found.calibration.ece
            rows.append(
                {
                    "Head": task,
                    "Checkpoint": name,
                    "Accuracy": 100 * found.scores.accuracy.value,
                    "Accuracy, 95 %": interval(found.scores.accuracy),
                    "Macro F1": 100 * found.scores.macro_f1.value,
                    "Macro F1, 95 %": interval(found.scores.macro_f1),
                    "Log-loss": found.log_loss.value,
                    "Log-loss, 95 %": interval(found.log_loss, 1, 3),
                    "ECE": math.nan if ece is None else 100 * ece.value,
                    "ECE, 95 %": "" if ece is None else interval(ece),
                    "Images": found.scores.n,
                    "Objects": found.scores.instances,
                }
            )
    config = {"Accuracy": PERCENT, "Macro F1": PERCENT, "ECE": PERCENT, "Log-loss": NATS}
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content" if len(rows) <= 24 else 640,
        column_config=config,
        placeholder="–",
        key="compare.figures",
    )
    st.caption("Scores and calibration error (ECE) in per cent, log-loss in nats. A column's head sorts.")


def interval(found: Estimate, scale: float = 100, digits: int = 1) -> str:
    """E.g. "82.1 – 97.0"; empty where there is none."""
    if math.isnan(found.low):
        return ""
    return f"{scale * found.low:.{digits}f} – {scale * found.high:.{digits}f}"
