"""What each chosen checkpoint costs on this machine, and whether its accuracy is worth it."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.figures.pareto import pareto_figure
from pages.ui import resources
from pages.ui.compare_claims import draw_claims
from pages.ui.compare_exports import draw_exports
from pages.ui.compare_figures import PERCENT, interval
from pages.ui.compare_members import Members
from pages.ui.controls import choice
from pages.ui.cost_rows import BATCHES, CostRow, cost_rows, measurement
from pages.ui.errors import guard
from pages.ui.launch import launch
from pages.ui.text import md
from pages.ui.theme import mode

AXES = {
    "latency1": ("Time for one image", "ms, one image at a time (median)"),
    "latency8": ("Time in batches of 8", "ms an image, batches of 8 (median)"),
    "size": ("File size", "MB on disk"),
    "flops": ("Operations", "10⁹ operations an image"),
    "memory": ("Memory", "peak MB of the process"),
}


def draw_costs(group: Members, task: str) -> None:
    """The table, the plot, other forms, and the report's claims."""
    st.subheader("Costs", anchor=False)
    rows = cost_rows(group, task)
    measured = [row for row in rows if row.measurement is not None]
    if not measured:
        st.markdown(
            "What these checkpoints cost has not been measured on this machine yet: operations, time for one "
            "image and for batches of 8, and memory, for each engine and precision."
        )
    _table(rows)
    if measured:
        _about(measured)
    _measure(group, again=bool(measured))
    if any(row.way is not None for row in rows):
        _pareto(rows, task)
    draw_exports(group, task)
    draw_claims(group)


def _table(rows: list[CostRow]) -> None:
    st.dataframe(
        pd.DataFrame([_cells(row) for row in rows]),
        hide_index=True,
        column_config={
            "Accuracy": PERCENT,
            "Parameters (million)": st.column_config.NumberColumn(format="%.2f"),
            "GFLOP": st.column_config.NumberColumn(
                format="%.2f", help="Floating point operations for one image, two per multiply-add"
            ),
            **dict.fromkeys(
                ["File (MB)", *(f"{name}, batch {b} (ms)" for b in BATCHES for name in ("Median", "p95"))],
                st.column_config.NumberColumn(format="%.1f"),
            ),
            "Memory (MB)": st.column_config.NumberColumn(
                format="%.0f", help="Peak of a process that does nothing else, libraries included"
            ),
        },
        placeholder="–",
        key="compare.costs",
    )


def _cells(row: CostRow) -> dict[str, object]:
    card, accuracy = row.checkpoint.card, row.accuracy
    times = {
        f"{name}, batch {batch} (ms)": value
        for batch in BATCHES
        for name, value in zip(("Median", "p95"), row.latency(batch), strict=False)
    }
    return {
        "Checkpoint": row.checkpoint.name,
        "Run by": "–" if row.way is None else row.way.name,
        "Accuracy": math.nan if accuracy is None else 100 * accuracy.value,
        "Accuracy, 95 %": "" if accuracy is None else interval(accuracy),
        **times,
        "Memory (MB)": math.nan if row.way is None else row.way.memory,
        "File (MB)": row.file_mb,
        "Parameters (million)": card.parameters / 1e6,
        "GFLOP": row.gflop,
        "Backbone": card.backbone,
        "Input (pixels)": card.preprocessing.size,
        "Embedding": card.embedding_dim,
        "Trained on": card.data.name or "–",
        "Created": card.created[:10] or "–",
    }


def _about(rows: list[CostRow]) -> None:
    found = {row.measurement.hardware: row.measurement for row in rows if row.measurement is not None}
    machines = "; ".join(
        f"{md(one.hardware)} ({md(one.created[:10])}, load {one.load[0]:.1f} to {one.load[1]:.1f})"
        for one in found.values()
    )
    refused = {name: why for one in found.values() for name, why in one.refused.items()}
    absent = "".join(f"  \nNot here: {md(name)}. {md(why)}" for name, why in refused.items())
    st.caption(
        f"Measured on {machines}. Forward pass only, inputs ready; the ways took turns in one run. "
        "Accuracy is of the selected head and images; int8 has one where it has looked at all of them."
        f"{absent}"
    )
    if len(found) > 1:
        st.caption(":material/info: Measured on different machines: their times cannot be compared.")


def _measure(group: Members, *, again: bool) -> None:
    data = group.view.dataset
    names = [str(checkpoint.path) for checkpoint in group.checkpoints]
    key = "measure:" + ":".join(
        [data.fingerprint, *(checkpoint.hash[:16] for checkpoint in group.checkpoints)]
    )
    label = "Measure again" if again else "Measure on this machine"
    argv = ["-m", "core", "measure", "--data", str(data.root), "--checkpoint", *names]
    launch(key, "Measuring", label, argv, icon="speed", primary=not again)
    missing = [c.name for c in group.checkpoints if measurement(c) is None]
    if again and missing and not resources.settings().read_only:
        st.caption(f"Not measured yet: {md(', '.join(missing))}.")


@st.fragment(key="compare.pareto")
def _pareto(rows: list[CostRow], task: str) -> None:
    with guard():
        axis = choice("Accuracy against", "cost", {key: name for key, (name, _) in AXES.items()}, "latency1")
        costs = {
            "latency1": [row.latency(1)[2] for row in rows],
            "latency8": [row.latency(8)[2] for row in rows],
            "size": [row.file_mb for row in rows],
            "flops": [row.gflop for row in rows],
            "memory": [math.nan if row.way is None else row.way.memory for row in rows],
        }[axis]
        known = [
            (row.name, cost, row.accuracy)
            for row, cost in zip(rows, costs, strict=True)
            if row.accuracy is not None
        ]
        names, values, accuracies = zip(*known, strict=True) if known else ((), (), ())
        figure = pareto_figure(names, values, accuracies, AXES[axis][1], mode())
        st.plotly_chart(figure, key=f"compare.pareto.{axis}", config={"displayModeBar": False})
        st.caption(
            f"Accuracy of {md(task)} with its 95 % interval. Filled: nothing else is both at least as "
            "accurate and as cheap. Where intervals overlap, the front itself is uncertain."
        )
