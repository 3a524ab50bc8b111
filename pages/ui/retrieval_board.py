"""The retrieval scoreboard on the page: how good each way of searching is, and its worst queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.figures.retrieval import types_figure
from core.retrieval.comparisons import CHANCE
from core.retrieval.rankings import Contender
from core.retrieval.scoreboard import ALL, Line, Scoreboard, scoreboard
from core.selection import ALL_SPLITS
from core.store import Predictions
from pages.ui import resources
from pages.ui.controls import choose, picker
from pages.ui.retrieval_sources import choose_sources
from pages.ui.retrieval_text import METHOD_NAMES, ask
from pages.ui.scoreboard import STYLE, interval_bar
from pages.ui.state import View
from pages.ui.text import count, html, md
from pages.ui.theme import mode

WORST = 200
TOGETHER = ("average", "rrf")
"""Methods that rank by all checkpoints at once."""
NAMES = {
    **METHOD_NAMES,
    "average": "Averaged probabilities",
    "rrf": "Merged ranks",
    "chance": "A random order",
}
Name = Callable[[Contender], str]
HELP = """Every combination of labels that the ground truth holds is asked as a query; the right answers are
known.

- **mAP**: mean average precision, the precision at the place of every right image.
- **nDCG@10**, **P@10**, **recall@10**: of the first ten.

Intervals are 95 % bootstraps over queries: what other queries on these images would give, not what other
images would. Queries about one label share images, so differences are also tested label by label."""


def draw_board(view: View) -> None:
    """Draw the figures for the selection's split; filters do not narrow it."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        asked = choose_sources(view)
    predictions = list({s.name: s.predictions for g in asked.grounds for s in g.sources}.values())
    board = view_board(view, predictions)
    split = "all splits" if board.split == ALL_SPLITS else f"the {board.split} split"
    st.subheader("How good is search here?", anchor=False, help=HELP)
    st.caption(
        f"{len(board.asked.queries):,} queries made of true labels, {count(board.images, 'image')} of "
        f"{md(view.dataset.name)}, {split}; sidebar filters other than the split are left aside. "
        "Intervals are 95 % over queries."
    )
    kinds = [ALL, *board.asked.present]
    name = partial(_name, several=len(predictions) > 1)
    _headline(board, name)
    kinds = [ALL, *board.asked.present]
    kind = picker("Type of query", "kind", kinds, ALL)
    lines = [line for line in board.lines if line.type == kind]
    _table(lines, board.k, several=len(predictions) > 1)
    _verdict(board, name)
    _near_chance(board)
    _by_type(view, board)
    _by_image(board)
    _worst(view, board, name)


def view_board(view: View, predictions: Sequence[Predictions]) -> Scoreboard:
    """The scoreboard of these checkpoints on the selection's split."""
    key = tuple("/".join(resources.identity(view.dataset, found)) for found in predictions)
    return _board(key, view.selection.split, view, tuple(predictions))


@st.cache_resource(show_spinner="Asking every combination of labels", max_entries=16)
def _board(
    key: tuple[str, ...], split: str, _view: View, _predictions: tuple[Predictions, ...]
) -> Scoreboard:
    return scoreboard(_view.dataset, _predictions, split)


def _name(who: Contender, several: bool) -> str:
    """What a contender is called on the page; the checkpoint is named where there is more than one."""
    found = NAMES.get(who.method, who.method)
    one = several and who.model and who.method not in TOGETHER
    return f"{found} ({who.model})" if one else found


def _headline(board: Scoreboard, name: Name) -> None:
    """The comparison that the page is there for: probabilities against the report's TF-IDF."""
    for found in board.comparisons:
        if (found.a.method, found.b.method) == ("probability", "tfidf"):
            what, _, figures = found.text(name).partition(": ")
            st.markdown(f"**{md(what)}**: {md(figures)}.")


def _table(lines: Sequence[Line], k: int, several: bool) -> None:
    best = max((line for line in lines if line.method != "chance"), key=lambda line: line.map.value)
    rows = "".join(_row(line, line is best, several) for line in lines)
    checkpoint = "<th>Checkpoint</th>" if several else ""
    head = (
        f"<tr><th>Ranking</th>{checkpoint}<th>mAP</th><th></th><th>nDCG@{k}</th><th>P@{k}</th>"
        f"<th>Recall@{k}</th></tr>"
    )
    st.html(f'{STYLE}<div class="scroll"><table class="board">{head}{rows}</table></div>')
    st.caption(f"Queries of this type: {lines[0].n:,}.")


def _row(line: Line, best: bool, several: bool) -> str:
    mark = ' class="here"' if best else ' class="quiet"' if line.method == "chance" else ""
    who = "all of them" if line.method in TOGETHER else line.model or "–"
    model = f"<td>{html(who)}</td>" if several else ""
    figures = (line.ndcg, line.precision, line.recall)
    cells = "".join(f"<td>{html(figure.text(percent=False))}</td>" for figure in figures)
    return (
        f"<tr{mark}><td>{html(NAMES.get(line.method, line.method))}</td>{model}"
        f"<td>{html(line.map.text(percent=False))}</td>"
        f'<td style="min-width:5rem">{interval_bar(line.map)}</td>{cells}</tr>'
    )


def _verdict(board: Scoreboard, name: Name) -> None:
    """Which differences hold."""
    tests = ", ".join(sorted({found.test for found in board.comparisons}))
    with st.expander("Which differences hold?", icon=":material/balance:"):
        st.markdown("\n".join(f"- {md(found.text(name))}" for found in board.comparisons))
        st.caption(
            f"Paired tests on average precision, query by query: {md(tests)}, two-sided, Holm-corrected. "
            "The second figure treats all queries about one label as one: where it is large, the difference "
            "hangs on few labels."
        )


def _by_type(view: View, board: Scoreboard) -> None:
    """mAP by type of query: this checkpoint's two chief rankings, and the best of the others."""
    own = view.checkpoint.name
    shown = [Contender(own, "probability"), Contender(own, "tfidf")]
    others = [who for who in board.figures if who.method in ("average", "probability") and who.model != own]
    shown += others[-1:] if others and others[-1].method == "average" else others[:1]
    shown = [who for who in shown if who in board.figures]
    types = list(board.asked.present)
    lines = {(line.type, line.model, line.method): line.map for line in board.lines}
    series = {
        _name(who, len(others) > 0): [lines[kind, who.model, who.method] for kind in types] for who in shown
    }
    chance = [lines[kind, CHANCE.model, CHANCE.method] for kind in types]
    st.subheader("By type of query", anchor=False)
    st.plotly_chart(
        types_figure(types, series, chance, mode()),
        key="retrieval-types",
        config={"displayModeBar": False},
    )


def _near_chance(board: Scoreboard) -> None:
    """Say plainly which labels search by words cannot find."""
    chance = {line.type: line for line in board.lines if line.method == CHANCE.method}
    weak = [
        f"**{md(line.type)}** ({line.map.value:.2f}, by chance {chance[line.type].map.value:.2f})"
        for line in board.lines
        if line.method == "probability" and " + " not in line.type and line.type != ALL
        if not line.map.low > chance[line.type].map.high
    ]
    if weak:
        st.warning(
            "Not clearly better than a random order, in mAP: " + ", ".join(dict.fromkeys(weak)) + ". "
            "Combined queries look better than these because the class does the work.",
            icon=":material/casino:",
        )


def _by_image(board: Scoreboard) -> None:
    for found in board.images_asked:
        if found.n:
            st.markdown(
                f"**By image**, {md(found.model)}: mAP {md(found.map.text(percent=False))}, "
                f"P@{board.k} {md(found.precision.text(percent=False))} on {count(found.n, 'image')} among "
                f"{found.gallery:,}; right is another object of the same class. Intervals by object."
            )
        else:
            st.caption(f"By image, {md(found.model)}: no image has another object of its class to find.")


def _worst(view: View, board: Scoreboard, name: Name) -> None:
    st.subheader("Worst queries", anchor=False)
    options = {name(who): who for who in board.figures if who != CHANCE}
    chosen = options[picker("Of", "worst", list(options), next(iter(options)))]
    asked = board.queries(chosen.model, chosen.method)[:WORST]
    table = pd.DataFrame(
        {
            "Query": [one.query.text for one in asked],
            "Type": [one.query.type for one in asked],
            "Average precision": [one.average_precision for one in asked],
            "By chance": [one.chance for one in asked],
            "Right images": [one.relevant for one in asked],
        }
    )
    share = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        table,
        hide_index=True,
        key="retrieval-worst",
        height=360,
        column_config={"Average precision": share, "By chance": share},
        on_select=partial(_open, chosen, view.checkpoint.name, table["Query"].tolist()),
        selection_mode="single-cell",
    )
    st.caption(
        "Click a query to search for it. Where one image alone would have been right and many queries fail "
        "with it, look at its label: it may be wrong."
    )


def _open(who: Contender, own: str, texts: Sequence[str]) -> None:
    """Search for the query that was clicked, by the ranking whose failure it is."""
    cells = st.session_state["retrieval-worst"]["selection"]["cells"]
    if not cells or cells[0][0] >= len(texts):
        return
    if who.method in TOGETHER:
        choose("models", "together")
        choose("fusion", who.method)
    elif who.model != own:
        choose("models", "beside")
        choose("other", who.model)
    ask(texts[cells[0][0]], "probability" if who.method in TOGETHER else who.method)
    choose("mode", "words")
