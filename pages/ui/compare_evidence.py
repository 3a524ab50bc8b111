"""The evidence on one head: a leaderboard with ties, what can be said of each pair, the numbers behind it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluation.agreement import agreement
from core.evaluation.comparison import Comparison, Standing
from core.evaluation.estimate import Estimate
from core.evaluation.outcomes import Outcomes
from core.figures.comparison import difference_figure
from pages.ui.compare_figures import NATS, PERCENT, interval
from pages.ui.compare_members import Mask, Members, pairs, standings
from pages.ui.scoreboard import STYLE, interval_bar
from pages.ui.text import count, html, md
from pages.ui.theme import mode

SENTENCES = 3
"""So many pairs have their sentence written out."""


def draw_evidence(group: Members, task: str) -> None:
    """The leaderboard of one head with ties, what can be said of each pair, and the numbers behind it."""
    found = pairs(group, task)
    if not found or found[0].difference.n == 0:
        st.info("No image of this selection has a known label for this head.")
        return
    _leaderboard(standings(group, task))
    for pair in found[:SENTENCES]:
        with st.container(border=True):
            st.markdown(md(pair.sentence, 500))
            st.caption(_detectable(pair))
    if len(found) > SENTENCES:
        st.caption("The other pairs' sentences are in the table.")
    _differences(found)
    _table([_pair_row(pair) for pair in found], "compare.pairs")
    st.caption(_about(found))
    with st.expander("More of each pair"):
        heads = group.heads(task)
        _table([_further_row(pair, heads, group.mask) for pair in found], "compare.pairs.further")
        st.caption(
            "More images, more objects: so many would decide a difference of the size seen. "
            "Errors in common: of the images that either gets wrong, the per cent that both do."
        )


def _table(rows: list[dict[str, object]], key: str) -> None:
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=dict.fromkeys(("p", "McNemar p", "By object p"), NATS)
        | {"Difference": st.column_config.NumberColumn(format="%+.1f"), "Detectable": PERCENT}
        | {"Errors in common": PERCENT},
        placeholder="–",
        key=key,
    )


def _differences(found: tuple[Comparison, ...]) -> None:
    figure = difference_figure(
        [f"{pair.a} − {pair.b}" for pair in found],
        [pair.difference for pair in found],
        [pair.verdict != "undecided" for pair in found],
        mode(),
    )
    st.plotly_chart(figure, key="compare.differences", config={"displayModeBar": False})
    st.caption("Accuracy of the first minus that of the second, with 95 % intervals. Open: undecided.")


def _detectable(pair: Comparison) -> str:
    if pair.detectable >= 1:
        return "These images are too few to find any difference with 80 % power."
    return (
        f"Smallest detectable difference: {100 * pair.detectable:.1f} points. A true difference of that size "
        "would be found on these images four times in five."
    )


def _about(found: tuple[Comparison, ...]) -> str:
    corrected = f", corrected for {len(found)} pairs after Holm" if len(found) > 1 else ""
    by_object = found[0].object_p is not None
    tests = "the larger of McNemar's exact test's and the sign-flip test's by object"
    which = tests if by_object else "McNemar's exact test's"
    return (
        f"p, which decides, is {which}{corrected}. Detectable: the smallest true difference, in points, that "
        "these images would find with 80 % power."
    )


def _pair_row(pair: Comparison) -> dict[str, object]:
    found = pair.difference
    verdict = {"a": f"{pair.a} is better", "b": f"{pair.b} is better", "undecided": "undecided"}
    return {
        "A": pair.a,
        "B": pair.b,
        "Difference": 100 * found.value,
        "95 %": interval(found),
        "p": pair.p,
        "Verdict": verdict[pair.verdict],
        "Only A right": pair.counts.only_a,
        "Only B right": pair.counts.only_b,
        "Detectable": 100 * pair.detectable,
    }


def _further_row(pair: Comparison, heads: dict[str, Outcomes], mask: Mask) -> dict[str, object]:
    agreed = agreement(heads[pair.a], heads[pair.b], mask)
    undecided = pair.verdict == "undecided"
    return {
        "A": pair.a,
        "B": pair.b,
        "Bootstrap, 95 %": _bootstrap(pair.difference),
        "McNemar p": pair.mcnemar_p,
        "By object p": pair.object_p,
        "More images": pair.more_images if undecided else None,
        "More objects": pair.more_objects if undecided else None,
        "Errors in common": 100 * agreed.error_overlap,
        "In words": pair.sentence,
    }


def _bootstrap(found: Estimate) -> str:
    """The bootstrap's interval, by object where objects are known; empty where there is none."""
    other = next((one for one in found.alternatives if one.method.startswith("bootstrap")), None)
    return "" if other is None else f"{100 * other.low:.1f} – {100 * other.high:.1f}"


def _leaderboard(places: tuple[Standing, ...]) -> None:
    ranks = [place.rank for place in places]
    rows = "".join(
        f"<tr><td>{place.rank}{' =' if ranks.count(place.rank) > 1 else ''}</td><td>{html(place.name)}</td>"
        f'<td>{html(place.accuracy.text())}</td><td style="width:32%">{interval_bar(place.accuracy)}</td>'
        f'<td class="quiet">{html(_ties(place))}</td></tr>'
        for place in places
    )
    head = "<tr><th>Place</th><th>Checkpoint</th><th>Accuracy</th><th></th><th>Cannot be told from</th></tr>"
    st.html(f'{STYLE}<div class="scroll"><table class="board">{head}{rows}</table></div>')
    st.caption(f"On {md(places[0].accuracy.support())}. Equal places are statistical ties.")


def _ties(place: Standing) -> str:
    return ", ".join(place.tied_with) if len(place.tied_with) < 4 else count(len(place.tied_with), "other")
