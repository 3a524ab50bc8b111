"""What can be learnt, and which labels are probably wrong."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from pages.ui.audit_result import Result
from pages.ui.audit_review import draw_review
from pages.ui.controls import switch
from pages.ui.gallery import gallery
from pages.ui.state import View
from pages.ui.text import count, md

ICONS = {
    "learnable": ":green[:material/check_circle:]",
    "weak": ":orange[:material/warning:]",
    "not learnable": ":red[:material/block:]",
}


def draw_learnability(found: Result) -> None:
    """A verdict per head with its reason, then the figures."""
    judged = found.value["learnability"]
    if not judged:
        st.info("No head has two labels and twenty labelled images: nothing can be judged.")
        return
    for one in judged.values():
        st.markdown(f"{ICONS.get(one['verdict'], '')} {md(one['sentence'], 500)}")
    percent = st.column_config.NumberColumn(format="%.1f")
    rows = [
        {
            "Head": task,
            "Verdict": one["verdict"],
            "Linear probe": 100 * one["accuracy"],
            "95 %": f"{100 * one['low']:.1f} – {100 * one['high']:.1f}",
            "Neighbours": 100 * one["knn"],
            "Trained head": _percent(one.get("model")),
            "Commonest label": 100 * one["majority"],
            "Permutation p": one["permutation_p"],
            "Images": one["n"],
            "Objects": one["instances"],
        }
        for task, one in judged.items()
    ]
    columns = dict.fromkeys(("Linear probe", "Neighbours", "Trained head", "Commonest label"), percent)
    p = {"Permutation p": st.column_config.NumberColumn(format="%.3f")}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns | p, placeholder="–", key="learn")
    st.caption(
        "Accuracy in per cent of probes on the cached features, judged on objects they have not seen, "
        "and of the trained head on images outside its training split."
    )


def _percent(share: float | None) -> float:
    return math.nan if share is None else 100 * share


def draw_issues(view: View, found: Result) -> None:
    """The images whose label of the view's head is probably wrong, the worst first."""
    task = view.selection.task
    issues = found.issues(task)
    flagged = [one for one in issues if one["flagged"]]
    if found.verdict(task) == "not learnable":
        st.warning(
            f"The labels of {md(task)} do not follow the pixels, so single labels cannot be judged: this "
            "list is no better than chance.",
            icon=":material/warning:",
        )
    st.markdown(
        f"**{md(task)}**: {count(len(flagged), 'label')} probably wrong. The sidebar chooses the head."
    )
    only = switch("Only those flagged", "flagged", True)
    shown = flagged if only else issues
    by_row = {found.places[one["path"]]: one for one in shown}

    def note(row: int) -> str:
        one = by_row[row]
        return f"{one['score']:.3f}: rather {one['suggested']}"

    st.markdown("**Review**")
    draw_review(view, found, shown)
    st.markdown("**All of them**, the worst first")
    gallery(view, found.rows(shown), key="audit-issues", note=note, label="Suspected labels")
    st.caption(
        "Judged by probes that did not see the image (confident learning). Under each picture its "
        "label quality, 0 surely wrong, 1 surely right, and what the image rather says; "
        "look before you change a label."
    )
