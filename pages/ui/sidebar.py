"""The sidebar: what is looked at, how many images that is, and the filters that every page shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.selection import ALL_SPLITS, OUTCOMES, PRECISIONS, columns
from pages.ui import resources
from pages.ui.slices import draw_filter, draw_save
from pages.ui.state import View, awaits_own, select, selection, shared_tasks, usable_checkpoints
from pages.ui.text import count, md

_MOST_OPTIONS = 2000
_OUTCOME_NAMES = {"all": "All", "right": "Right", "wrong": "Wrong", "missing": "No prediction"}


def draw_choices() -> None:
    """Data set, checkpoint, head and split. Raises VitrineError where the data set cannot be read."""
    from pages.ui.state import chosen_dataset

    names = list(resources.datasets())
    wanted = selection().dataset
    if len(names) > 1:
        _choose("Data set", "dataset", names, wanted if wanted in names else names[0])
    dataset = chosen_dataset()
    if len(names) == 1:
        st.caption(f"Data set  \n**{md(dataset.name)}** · {count(len(dataset), 'image')}")
    usable = usable_checkpoints(dataset)
    if not usable:
        return
    if awaits_own(dataset, usable):
        _choose("Checkpoint", "checkpoint", [c.name for c in usable], None, "Another data set's")
        return
    checkpoint = next((c for c in usable if c.name == selection().checkpoint), usable[0])
    _choose("Checkpoint", "checkpoint", [c.name for c in usable], checkpoint.name)
    tasks = shared_tasks(dataset, checkpoint)
    _choose("Task head", "task", tasks, selection().task if selection().task in tasks else tasks[0])
    splits = [*dataset.splits, ALL_SPLITS]
    split = selection().split if selection().split in splits else splits[-2 if len(splits) > 1 else -1]
    _segments("Split", "split", splits, split)


def draw_precision(view: View) -> None:
    """Usual or int8 predictions, where there are both; and how far int8 has come."""
    rounded = resources.indexed(view.dataset, view.checkpoint, "int8")
    usual = resources.indexed(view.dataset, view.checkpoint)
    if rounded is None or usual is None:
        return
    names = {"auto": usual.precision, "int8": "int8"}
    _segments("Precision", "precision", PRECISIONS, view.selection.precision, format_func=names.__getitem__)
    done, total = int(rounded.present.sum()), len(rounded)
    if view.selection.precision == "int8" and done < total:
        st.caption(
            f"int8 has looked at {done:,} of {total:,} images. The rest: "
            "`python -m core index --precision int8`"
        )


def draw_counter(view: View) -> None:
    """The persistent counter: selected of all images and objects, and the way back to all of them."""
    chosen, total = len(view.rows), len(view.dataset)
    share = chosen / total if total else 0.0
    objects = "" if view.objects is None else f" · {count(view.objects, 'object')}"
    st.html(
        f'<div role="status" style="font-size:.95rem"><b>{chosen:,}</b> / {total:,} images{objects}</div>'
        '<div style="height:4px;border-radius:2px;background:color-mix(in srgb,currentColor 14%,transparent);'
        'margin-top:6px">'
        f'<div style="height:4px;border-radius:2px;width:{share:.2%};background:#3983BA"></div></div>'
    )
    if view.selection.filtered:
        st.button(
            "Clear filters", icon=":material/filter_alt_off:", on_click=_clear, key="clear", width="stretch"
        )
    draw_save(view, view.rows, view.selection.describe(), key="slice.filters", stretch=True)


def draw_filters(view: View) -> None:
    """Truth, prediction, outcome, confidence, attributes and text: what narrows the rows on every page."""
    chosen, labels = view.selection, list(view.outcomes.labels)
    with st.expander("Filters", icon=":material/filter_alt:", expanded=chosen.filtered):
        _segments("Outcome", "outcome", OUTCOMES, chosen.outcome, format_func=_OUTCOME_NAMES.__getitem__)
        _several("Truth", "truth", labels, chosen.truth)
        _several("Prediction", "prediction", labels, chosen.prediction)
        _seed("confidence", chosen.confidence)
        st.slider(
            "Confidence",
            0.0,
            1.0,
            step=0.01,
            key=_key("confidence"),
            on_change=_changed,
            args=("confidence",),
        )
        _attributes(view)
        draw_filter(view)
        _seed("query", chosen.query)
        st.text_input(
            "Text in caption, file or instance",
            key=_key("query"),
            max_chars=200,
            on_change=_changed,
            args=("query",),
        )


def _attributes(view: View) -> None:
    """One widget over every column but the head itself: `column: label` pairs, searched by typing."""
    options: list[tuple[str, str]] = []
    for column in columns(view.dataset):
        if column == view.selection.task:
            continue
        values = view.dataset.table[column]
        found = values.cat.categories if hasattr(values, "cat") else values.dropna().astype(str).unique()
        if len(found) <= max(200, len(view.dataset) // 5):
            options += [(column, str(label)) for label in sorted(map(str, found))]
    unique = list(dict.fromkeys((*view.selection.where, *options[:_MOST_OPTIONS])))
    if unique:
        _several(
            "Attributes",
            "where",
            unique,
            view.selection.where,
            format_func=lambda pair: f"{pair[0]}: {pair[1]}",
        )


def _key(field: str) -> str:
    return f"vitrine.{field}"


def _seed(field: str, value: Any) -> None:
    """A widget shows what the selection holds: the selection is the truth, the widget a way to change it."""
    if _key(field) not in st.session_state or st.session_state[_key(field)] != value:
        st.session_state[_key(field)] = value


def _changed(field: str) -> None:
    value = st.session_state[_key(field)]
    empty: dict[str, Any] = {"outcome": "all", "precision": "auto", "split": selection().split}
    if value is None:
        value = empty.get(field, "")
    value = tuple(value) if isinstance(value, list) else value
    follow: dict[str, Any] = {"task": {"truth": (), "prediction": ()}, "dataset": _ANEW}.get(field, {})
    select(**{**follow, field: value})


_ANEW: dict[str, Any] = {
    "checkpoint": "",
    "task": "",
    "truth": (),
    "prediction": (),
    "where": (),
    "query": "",
    "slices": (),
}
"""What another data set leaves behind."""


def _clear() -> None:
    st.session_state["vitrine.selection"] = selection().cleared()


def _choose(label: str, field: str, options: Sequence[str], value: str | None, hint: str = "") -> None:
    _seed(field, value)
    st.selectbox(
        label,
        options,
        index=None if value is None else 0,
        key=_key(field),
        on_change=_changed,
        args=(field,),
        placeholder=hint or None,
    )


def _segments(label: str, field: str, options: Sequence[str], value: str, **more: Any) -> None:
    _seed(field, value)
    st.segmented_control(
        label, options, key=_key(field), on_change=_changed, args=(field,), width="stretch", **more
    )


def _several(label: str, field: str, options: Sequence[Any], value: tuple[Any, ...], **more: Any) -> None:
    _seed(field, list(value))
    st.multiselect(
        label, options, key=_key(field), on_change=_changed, args=(field,), placeholder="Any", **more
    )
