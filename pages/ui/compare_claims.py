"""The technical report's table beside what was measured here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.measure.claims import FIGURES, Claim, Judged, claims, judge
from core.models import Checkpoint
from pages.ui.compare_members import Members, line
from pages.ui.cost_rows import measurement, reports
from pages.ui.text import md


def draw_claims(group: Members) -> None:
    """Every claim of the report, with our figure for a chosen checkpoint of that backbone."""
    source, listed = claims()
    members = {checkpoint.card.backbone: checkpoint for checkpoint in reversed(group.checkpoints)}
    judged = [_judged(group, claim, members.get(claim.backbone)) for claim in listed]
    told = [one for one in judged if one.verdict != "not measured"]
    with st.expander(
        f"What the report claims: {len(told)} of {len(judged)} can be set beside these checkpoints",
        icon=":material/fact_check:",
    ):
        st.caption(
            f"Claims are not ours: {md(source)}. Figures beside them are of the checkpoints chosen above."
        )
        st.dataframe(
            pd.DataFrame([_cells(one, members) for one in judged]), hide_index=True, key="compare.claims"
        )


def _judged(group: Members, claim: Claim, checkpoint: Checkpoint | None) -> Judged:
    if checkpoint is None:
        return judge(claim, None)
    exported = reports(group, checkpoint).get("openvino-int8")
    task = group.view.dataset.taxonomy.primary.name
    heads = group.heads(task)
    own = heads.get(checkpoint.name)
    return judge(
        claim,
        measurement(checkpoint),
        embedding=checkpoint.card.embedding_dim,
        accuracy=None if own is None else line(group, checkpoint.name, task, own).scores.accuracy,
        int8=exported.ways[-1] if exported is not None and exported.ways else None,
    )


def _cells(one: Judged, members: dict[str, Checkpoint]) -> dict[str, object]:
    own = members.get(one.claim.backbone)
    return {
        "Backbone": one.claim.backbone,
        "Figure": FIGURES[one.claim.figure],
        "The report claims": one.claim.text,
        "Measured here": one.measured or "–",
        "Checkpoint": "–" if own is None else own.name,
        "Verdict": one.verdict,
        "Why": one.why,
        "Section": one.claim.section,
    }
