"""Where a head is weak, images that are poor or unlike any other, and what was left out of the data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from pages.ui.audit_result import Result
from pages.ui.controls import picker
from pages.ui.gallery import gallery
from pages.ui.state import View
from pages.ui.text import count, md

SURE = 0.05
ALIEN = "unlike any other"


def draw_slices(view: View, found: Result) -> None:
    """Combinations of attributes on which the primary head is weak, and the images of one of them."""
    slices = found.value["slices"]
    task = found.value["slices_of"]
    sure = sum(one["q"] < SURE for one in slices)
    st.markdown(
        f"**{count(sure, 'slice')}** on which {md(task)} is weaker than on the rest, beyond what the number "
        "of combinations tried explains."
    )
    if not slices:
        st.caption("No combination of attributes with enough images stands out.")
        return
    names = [slice_text(one["where"]) for one in slices]
    percent = st.column_config.NumberColumn(format="%.1f")
    rows = [
        {
            "Where": name,
            "Accuracy": 100 * one["accuracy"],
            "95 %": f"{100 * one['low']:.1f} – {100 * one['high']:.1f}",
            "Rest": 100 * one["rest"],
            "q": one["q"],
            "p": one["p"],
            "Images": one["n"],
            "Objects": one["instances"],
        }
        for name, one in zip(names, slices, strict=True)
    ]
    numbers = dict.fromkeys(("p", "q"), st.column_config.NumberColumn(format="%.4f"))
    columns = numbers | {"Accuracy": percent, "Rest": percent}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, placeholder="–", key="slices")
    st.caption(
        "Accuracy in per cent of a cross-validated probe on all images. q is p corrected for every "
        f"combination tried (Benjamini-Hochberg): from {SURE} on a slice is a suspicion, not a finding."
    )
    chosen = picker("Images of", "slice", names, names[0])
    members = slice_rows(view, slices[names.index(chosen)]["where"])
    wrong_first = members[np.argsort(view.outcomes.correct[members], kind="stable")]
    gallery(view, wrong_first, key="audit-slice", page_size=12, note=None, label="Images of the slice")


def slice_text(where: Mapping[str, str]) -> str:
    """E.g. "material is glass and size is small"."""
    return " and ".join(f"{name} is {label}" for name, label in where.items())


def slice_rows(view: View, where: Mapping[str, str]) -> npt.NDArray[np.int64]:
    """Row numbers (M,) of the images that meet every condition."""
    table = view.dataset.table
    known = [(name, label) for name, label in where.items() if name in table]
    met = [(table[name].astype(str) == label).to_numpy(dtype=bool) for name, label in known]
    return np.flatnonzero(np.logical_and.reduce(met)).astype(np.int64) if met else np.zeros(0, np.int64)


def draw_poor(view: View, found: Result) -> None:
    """Images with a fault, the furthest out first, by fault."""
    images: list[dict[str, Any]] = found.entries("poor_images")
    images += [{**one, "fault": ALIEN, "value": one["similarity"]} for one in found.entries("outliers")]
    if not images:
        st.success("No image is blurred, dark, blank, of an odd size or unlike all others.")
        return
    faults = list(dict.fromkeys(one["fault"] for one in images))
    counts = ", ".join(f"{md(name)} {sum(one['fault'] == name for one in images):,}" for name in faults)
    st.markdown(f"**{count(len(images), 'finding')}**: {counts}.")
    chosen = picker("Fault", "fault", ["any", *faults], "any")
    shown = [one for one in images if chosen in ("any", one["fault"])]
    by_row: dict[int, list[str]] = {}
    for one in shown:
        text = f"{one['fault']} ({one['value']:.2f})"
        by_row.setdefault(found.places[one["path"]], []).append(text)
    rows = np.array(list(by_row), dtype=np.int64)
    gallery(view, rows, key="audit-poor", note=lambda row: ", ".join(by_row[row]), label="Poor images")


def draw_rest(found: Result) -> None:
    """Rows that were left out, labels that may be one, and how evenly labels are spread."""
    left_out = found.value.get("quarantined", [])
    st.markdown(f"**{count(len(left_out), 'row')}** left out of the data set when it was read.")
    if left_out:
        st.dataframe(pd.DataFrame(left_out), hide_index=True, key="audit.quarantined")
    pairs = found.value.get("synonyms", [])
    st.markdown(f"**{count(len(pairs), 'pair')}** of labels that may be two spellings of one.")
    if pairs:
        rows = [
            {
                "Head": one["task"],
                "Label": one["labels"][0],
                "Images": one["counts"][0],
                "Other label": one["labels"][1],
                "Its images": one["counts"][1],
            }
            for one in pairs
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="audit.synonyms")
    st.markdown("**Balance** of the labels of every head")
    spread = [
        {
            "Head": task,
            "Labels": len(one["counts"]),
            "Commonest to rarest": one["ratio"],
            "Worth labels": one["effective_labels"],
            "Without a label": one["missing"],
            "Not in train": ", ".join(one["unseen_in_train"]),
        }
        for task, one in found.value.get("balance", {}).items()
    ]
    number = st.column_config.NumberColumn(format="%.1f")
    config = {"Commonest to rarest": number, "Worth labels": number}
    st.dataframe(pd.DataFrame(spread), hide_index=True, column_config=config, key="audit.balance")
    st.caption(
        "Worth labels: how many equally frequent labels would be as varied (exponential of the entropy)."
    )
