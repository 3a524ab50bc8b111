"""Some of the chosen checkpoints as one: their averaged probabilities on every head, against the best of
them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import SelectionError
from core.evaluation.ensembles import EnsembleHead, fit_weights, judge
from core.models import Checkpoint
from core.models.checkpoint import WEIGHTS as WEIGHTS_FILE
from core.store import Predictions
from pages.ui.compare_figures import NATS, PERCENT, interval
from pages.ui.compare_members import Members
from pages.ui.controls import choice
from pages.ui.cost_rows import measurement
from pages.ui.errors import guard
from pages.ui.text import md

WEIGHTS = {"equal": "Equal weights", "fitted": "Fitted on validation"}
Chosen = tuple[tuple[Checkpoint, Predictions], ...]


@st.fragment(key="compare.ensemble")
def draw_ensemble(group: Members, task: str) -> None:
    """What averaging gains over the best member on every head, and what it costs; choosing members or weights
    redraws only this."""
    with guard():
        names = [checkpoint.name for checkpoint in group.checkpoints]
        picked = st.multiselect("Members", names, names, key="compare.ensemble.members")
        weights = choice("Weights", "weights", WEIGHTS, "equal")
        both = zip(group.checkpoints, group.predictions, strict=True)
        chosen = tuple((checkpoint, predicted) for checkpoint, predicted in both if checkpoint.name in picked)
        if len(chosen) < 2:
            st.info("Choose two or more members.", icon=":material/join_inner:")
            return
        if weights == "fitted" and group.view.selection.split not in ("test", "train"):
            st.caption(
                "Some images shown are of validation, on which these weights were fitted: it flatters."
            )
        try:
            heads = _judged((*group.key, *sorted(picked), weights), group, chosen)
        except SelectionError as error:
            st.caption(f"{md(error.title)}. {md(error.cause)} {md(error.fix)}")
            return
        _draw(heads, task, chosen)


def _draw(heads: tuple[EnsembleHead, ...], task: str, chosen: Chosen) -> None:
    here = next((head for head in heads if head.task == task), heads[0])
    st.markdown(md(here.gain.sentence, 500))
    st.dataframe(
        pd.DataFrame([_row(head, [checkpoint.name for checkpoint, _ in chosen]) for head in heads]),
        hide_index=True,
        column_config=dict.fromkeys(("Accuracy", "Macro F1", "ECE"), PERCENT)
        | {"Gain": st.column_config.NumberColumn(format="%+.1f"), "Log-loss": NATS, "p": NATS},
        placeholder="–",
        key="compare.ensemble.heads",
    )
    st.caption(
        "Gain: accuracy of the ensemble minus that of its best member, in points, on the same images. The "
        "best member is the best on these very images, which is hard on the ensemble. " + _cost(chosen)
    )


def _row(head: EnsembleHead, names: list[str]) -> dict[str, object]:
    verdict = {"a": "the ensemble is better", "b": f"{head.best} is better", "undecided": "undecided"}
    return {
        "Head": head.task,
        "Accuracy": 100 * head.scores.accuracy.value,
        "Accuracy, 95 %": interval(head.scores.accuracy),
        "Best member": head.best,
        "Gain": 100 * head.gain.difference.value,
        "Gain, 95 %": interval(head.gain.difference),
        "p": head.gain.p,
        "Verdict": verdict[head.gain.verdict],
        "Macro F1": 100 * head.scores.macro_f1.value,
        "Log-loss": head.log_loss.value,
        "ECE": np.nan if head.ece is None else 100 * head.ece.value,
        "Weights": ", ".join(f"{name} {w:.0%}" for name, w in zip(names, head.weights, strict=True)),
    }


def _cost(chosen: Chosen) -> str:
    parameters = sum(checkpoint.card.parameters for checkpoint, _ in chosen) / 1e6
    files = [checkpoint.path / WEIGHTS_FILE for checkpoint, _ in chosen]
    size = sum(file.stat().st_size for file in files if file.exists()) / 1e6
    runs = f"It runs every member, one after the other: {parameters:.1f} million parameters, {size:.1f} MB"
    time = _time([checkpoint for checkpoint, _ in chosen])
    return f"{runs}, {time}." if time else f"{runs}, and the sum of their times (not measured here yet)."


def _time(chosen: list[Checkpoint]) -> str:
    """The members' times for one image added up, each run in its fastest exact form; "" where one was not
    measured."""
    sums, names = 0.0, []
    for checkpoint in chosen:
        found = measurement(checkpoint)
        ways = [] if found is None else [way for way in found.ways if way.precision != "int8"]
        timed = [(way.at(1).per_image, way.name) for way in ways if any(at.batch == 1 for at in way.latency)]
        if not timed:
            return ""
        fastest, name = min(timed)
        sums += fastest
        names.append(name)
    return f"{sums:.1f} ms for one image ({', '.join(dict.fromkeys(names))})"


@st.cache_resource(show_spinner="Averaging", max_entries=64)
def _judged(key: tuple[str, ...], _group: Members, _chosen: Chosen) -> tuple[EnsembleHead, ...]:
    data = _group.view.dataset
    fitted = key[-1] == "fitted" and "val" in data.splits
    weights = (
        fit_weights(data, [predicted for _, predicted in _chosen], data.split_mask("val")) if fitted else {}
    )
    members = {checkpoint.name: predicted for checkpoint, predicted in _chosen}
    return judge(data, members, weights, _group.mask)
