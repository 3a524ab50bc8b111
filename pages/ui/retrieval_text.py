"""Search by words: the query, how it was read, and what it found, by one checkpoint or two side by side."""

from __future__ import annotations

from typing import cast

import streamlit as st

from core.retrieval import Method, Playground, Query, examples
from pages.ui import retrieval_clip
from pages.ui.controls import choice, choose
from pages.ui.retrieval_hits import MOST, draw_beside, draw_found
from pages.ui.retrieval_sources import Asked, choose_sources
from pages.ui.state import View
from pages.ui.text import md

TEXT = "text"
_KEY = "retrieval-text"
LONGEST = 200
LISTED = 60
"""Labels of one head that are listed."""
LONGEST_LIST = 4000
METHOD_NAMES: dict[Method, str] = {
    "probability": "Probability-weighted",
    "sum": "Probability sum",
    "tfidf": "TF-IDF",
    "fused": "Both merged",
}
HELP = """Words are matched with the labels of the data set's heads.

- `red cap`: both wanted
- `not black`, `-black`: unwanted
- `red or blue`: either
- `color:blue`: one head only
- `"water bottle"`: a phrase
"""
METHOD_HELP: dict[Method, str] = {
    "probability": "Multiplies how likely every word is to fit, by the heads' calibrated probabilities.",
    "sum": "Adds up how likely the words are to fit: one may make up for another.",
    "tfidf": "Compares the words with each image's predicted labels; knows no negation and no synonyms.",
    "fused": "Reciprocal rank fusion of the probability-weighted ranking and TF-IDF.",
}


def draw_by_text(view: View) -> None:
    """Draw the query box, the choices and the results."""
    text = _box()
    _examples(view)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        names = {str(method): name for method, name in METHOD_NAMES.items()}
        names |= {retrieval_clip.METHOD: retrieval_clip.NAME} if retrieval_clip.offered() else {}
        wanted = choice("Ranking", "method", names, "probability")
        if wanted == retrieval_clip.METHOD:
            st.caption(retrieval_clip.HELP)
        else:
            asked = choose_sources(view)
    if wanted == retrieval_clip.METHOD:
        retrieval_clip.draw_by_clip(view, text)
        return
    method = cast(Method, wanted)
    st.caption(METHOD_HELP[method])
    if not text.strip():
        st.info(
            "Type what to look for, or take an example. Words are matched with the labels that the heads "
            "predict; every hit says which head matched, how sure it is, and whether the truth agrees.",
            icon=":material/search:",
        )
        _vocabulary(asked.grounds[0], opened=True)
        return
    _understood(asked.grounds[0].parse(text))
    _vocabulary(asked.grounds[0])
    _results(asked, text, method)


def ask(text: str, method: str = "") -> None:
    """Search for `text` from a callback, by `method` where one is named."""
    st.session_state[_KEY] = text
    _write()
    if method in METHOD_NAMES:
        choose("method", method)


def _box() -> str:
    if _KEY not in st.session_state:
        st.session_state[_KEY] = str(st.query_params.get(TEXT, ""))[:LONGEST]
    found = st.text_input(
        "Search",
        key=_KEY,
        placeholder="e.g. a colour and a class",
        icon=":material/search:",
        max_chars=LONGEST,
        help=HELP,
        on_change=_write,
    )
    return str(found or "")


def _write() -> None:
    text = str(st.session_state.get(_KEY) or "").strip()
    if text:
        st.query_params[TEXT] = text
    elif TEXT in st.query_params:
        del st.query_params[TEXT]


def _examples(view: View) -> None:
    from pages.ui.retrieval_sources import playground

    found = _made(view.key, view, playground(view, [view.predictions]))
    if not found:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("Try", width="content")
        for place, text in enumerate(found):
            st.button(md(text), key=f"retrieval-example-{place}", type="tertiary", on_click=ask, args=(text,))


@st.cache_data(show_spinner=False, max_entries=32)
def _made(key: tuple[str, ...], _view: View, _ground: Playground) -> tuple[str, ...]:
    return examples(_view.dataset, _ground.lexicon, _view.rows)


def _understood(query: Query) -> None:
    """One badge per term with the labels it reaches, one per word that no label answers to."""
    badges = []
    for term in query.terms:
        by_task = {
            task: [option.label for option in term.options if option.task == task] for task in term.tasks
        }
        said = " or ".join(f"{task}: {_some(labels)}" for task, labels in by_task.items())
        typed = f"{term.words} → " if term.corrected or term.kind != "exact" else ""
        colour, wanted = ("red", f"not {said}") if term.negated else ("blue", said)
        badges.append(f":{colour}-badge[{md(typed + wanted)}]")
    for unknown in query.unknown:
        badges.append(f":orange-badge[:material/help: {md(unknown.text())}]")
    if badges:
        st.markdown(" ".join(badges))


def _vocabulary(ground: Playground, opened: bool = False) -> None:
    """Every label that a word can mean, by head."""
    with st.expander("Words that mean something here", icon=":material/dictionary:", expanded=opened):
        for task in ground.lexicon.tasks:
            labels = [option.label for option in ground.lexicon.options if option.task == task]
            st.markdown(f"**{md(task)}** — {md(_some(labels, LISTED), LONGEST_LIST)}")


def _some(labels: list[str], most: int = 4) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _results(asked: Asked, text: str, method: Method) -> None:
    view = asked.views[0]
    found = [
        ground.by_text(text, k=MOST, method=method, fusion=asked.fusion, keep=view.mask)
        for ground in asked.grounds
    ]
    if not any(result.hits for result in found):
        st.warning(
            "No word of this query means anything to these heads, so there is nothing to rank by. The labels "
            "above are spelt most like it; nothing else is known about a word that is no label.",
            icon=":material/search_off:",
        )
    elif len(found) == 1:
        draw_found(view, found[0])
    else:
        draw_beside(asked, found)
