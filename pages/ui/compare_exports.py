"""Checkpoints in other forms, int8, bf16 and ONNX: what they lost and gained, and a button for more."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.export import TARGETS, ExportReport
from core.export.agreement import HeadAgreement
from pages.ui.compare_figures import interval
from pages.ui.compare_members import Members
from pages.ui.cost_rows import reports
from pages.ui.launch import launch
from pages.ui.text import md

RATIO = st.column_config.NumberColumn(format="%.2f ×")
_BATCH = 8


def draw_exports(group: Members, task: str) -> None:
    """What there is of the chosen checkpoints, and the choice of what to make next."""
    found = [one for checkpoint in group.checkpoints for one in reports(group, checkpoint).values()]
    with st.expander("Other forms: int8, bf16, ONNX", icon=":material/compress:", expanded=bool(found)):
        if found:
            _table(found, task)
        else:
            st.markdown(
                "An export writes a checkpoint for other programs, checks it on the test images against "
                "float32 and times both in turns. int8 is calibrated with training images."
            )
        _make(group)


def _table(found: list[ExportReport], task: str) -> None:
    st.dataframe(
        pd.DataFrame([_cells(report, task) for report in found]),
        hide_index=True,
        column_config={
            "Faster than eager": RATIO,
            "Faster than OpenVINO f32": RATIO,
            "Size (MB)": st.column_config.NumberColumn(format="%.1f"),
            **dict.fromkeys(("Least cosine", "Median cosine"), st.column_config.NumberColumn(format="%.4f")),
            "Largest logit difference": st.column_config.NumberColumn(format="%.2g"),
        },
        placeholder="–",
        key="compare.exports",
    )
    machines = "; ".join(sorted({md(report.hardware) for report in found}))
    st.caption(
        f"Head {md(task)} on split {md(found[0].split)}, against float32 on the same images. Cosines are of "
        f"embeddings. Speed: batches of {_BATCH}, wall clock, in turns in one run, on {machines}."
    )


def _cells(report: ExportReport, task: str) -> dict[str, object]:
    agreed = report.agreement
    head = next((head for head in agreed.heads if head.task == task), None)
    speeds = [report.speed_up(_BATCH, base) for base in range(len(report.ways) - 1)]
    return {
        "Checkpoint": report.checkpoint_name,
        "Form": report.target,
        "Same top-1": "" if head is None else head.same_top1.text(),
        "Accuracy": "" if head is None else head.variant.text(),
        "float32": "" if head is None else head.exact.text(),
        "Change": "" if head is None else _change(head),
        "Least cosine": agreed.min_cosine,
        "Median cosine": agreed.median_cosine,
        "Largest logit difference": agreed.largest_logit_difference,
        "Size (MB)": report.file_bytes / 1e6,
        "Faster than eager": speeds[0] if speeds else None,
        "Faster than OpenVINO f32": speeds[1] if len(speeds) > 1 else None,
        "Calibrated on": report.calibrated_on or "–",
        "Files": str(report.path),
    }


def _change(head: HeadAgreement) -> str:
    verdict = "" if head.decided else ", undecided"
    return f"{100 * head.difference.value:+.1f} points ({interval(head.difference)}{verdict})"


def _make(group: Members) -> None:
    data = group.view.dataset
    left, right = st.columns(2)
    by_name = {checkpoint.name: checkpoint for checkpoint in group.checkpoints}
    name = left.selectbox("Checkpoint", list(by_name), key="compare.export.checkpoint")
    target = right.selectbox("Form", list(TARGETS), key="compare.export.target")
    split = "test" if "test" in data.splits else data.splits[-1]
    argv = ["-m", "core", "export", "--data", str(data.root), "--checkpoint", str(by_name[name].path)]
    key = f"export:{data.fingerprint}:{by_name[name].hash}:{target}"
    launch(key, "Export", "Export", [*argv, "--to", target, "--split", split], icon="output", primary=False)
