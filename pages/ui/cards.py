"""Cards of images, the component behind the gallery: one element for a whole page of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import pictures
from pages.ui.state import View

Note = Callable[[int], str]

_FOLDER = Path(__file__).parent
_CARDS = st.components.v2.component(
    "vitrine_cards",
    html='<div class="grid" role="group"></div>\n<!-- filled by the script -->',
    css=(_FOLDER / "cards.css").read_text("utf-8"),
    js=(_FOLDER / "cards.js").read_text("utf-8"),
)


def mount_cards(
    view: View,
    rows: Sequence[int],
    *,
    key: str,
    label: str,
    note: Note | None = None,
    width: str = "11rem",
    action: str = "Open the details.",
) -> int | None:
    """Draw the cards of `rows`, each at least `width` wide; the row whose card was clicked, or None.

    `action` tells those who cannot see the card what a click does.
    """
    from pages.ui import resources

    table = view.dataset.table
    pictures.PICTURES.publish(view.dataset, resources.store())
    cards = [card(view, row, note, action) for row in rows]
    result = _CARDS(key=key, data={"label": label, "width": width, "cards": cards}, on_opened_change=_nothing)
    # after the cards are on their way: they shall follow the title above them at once
    pictures.PICTURES.prefetch(view.dataset, (str(table["sha"].iat[row]) for row in rows))
    clicked = str(result.opened or "")
    return next((row for row in rows if clicked and str(table["image_id"].iat[row]) == clicked), None)


def card(view: View, row: int, note: Note | None = None, action: str = "") -> dict[str, Any]:
    """What the browser needs to draw the card of one row: texts, an address, a confidence."""
    outcomes, table = view.outcomes, view.dataset.table
    truth = _label(outcomes.labels, int(outcomes.truth[row]), "no label")
    prediction = _label(outcomes.labels, int(outcomes.prediction[row]), "no prediction")
    outcome = _outcome(view, row)
    confidence = float(outcomes.confidence[row])
    known = np.isfinite(confidence)
    caption = caption_of(view, row)
    sure = f", confidence {confidence:.0%}" if known else ""
    return {
        "id": str(table["image_id"].iat[row]),
        "src": pictures.thumbnail_address(view.dataset, row),
        "alt": caption,
        "truth": truth,
        "prediction": prediction,
        "outcome": outcome,
        "confidence": round(confidence, 4) if known else None,
        "note": note(row) if note is not None else "",
        "says": f"{caption}. Truth {truth}, predicted {prediction}, {outcome}{sure}. {action}",
    }


def caption_of(view: View, row: int) -> str:
    """The image's caption, or its file's name."""
    table = view.dataset.table
    return str(table["caption"].iat[row]) or Path(str(table["path"].iat[row])).name


def _outcome(view: View, row: int) -> str:
    if view.outcomes.prediction[row] < 0 or not view.outcomes.scored[row]:
        return "missing"
    return "right" if view.outcomes.correct[row] else "wrong"


def _label(labels: tuple[str, ...], code: int, absent: str) -> str:
    return labels[code] if code >= 0 else absent


def _nothing() -> None:
    """A trigger needs a callback to appear in the result."""
