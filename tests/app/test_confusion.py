"""The Confusion page: its numbers, its controls, and a cell that shows exactly its images."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from core.data import open_dataset
from core.evaluation import Outcomes, confusion, outcomes
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place, open_page


@pytest.fixture
def found(place: Place) -> Outcomes:
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    return outcomes(
        dataset, FeatureStore(place.cache).predictions(dataset, checkpoint), dataset.taxonomy.primary.name
    )


def opened(app: Any, **query: str) -> Any:
    return open_page(app, "pages/1_Confusion.py", **query)


def components(app: Any) -> list[dict[str, Any]]:
    return [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]


def drawn(app: Any) -> dict[str, Any]:
    return next(data for data in components(app) if "rowTotals" in data)


def cards(app: Any) -> list[dict[str, Any]]:
    return next((data["cards"] for data in components(app) if "cards" in data), [])


def counts(matrix: dict[str, Any]) -> np.ndarray:
    """The drawn matrix by label codes."""
    table = np.zeros((len(matrix["names"]), len(matrix["names"])), dtype=int)
    for row, column, count in np.reshape(matrix["cells"], (-1, 3)):
        table[matrix["rows"][row], matrix["columns"][column]] = count
    return table


def test_the_matrix_holds_the_counts(at_home: Any, found: Outcomes) -> None:
    matrix = drawn(opened(at_home))
    expected = confusion(found, np.ones(len(found), bool)).counts
    assert (counts(matrix)[: len(expected), : expected.shape[1]] == expected).all()
    assert matrix["n"] == expected.sum()
    assert matrix["by"] == "row"


def test_the_largest_confusion_is_shown_first(at_home: Any, found: Outcomes) -> None:
    app = opened(at_home)
    off = confusion(found, np.ones(len(found), bool)).counts[:, : len(found.labels)].copy()
    np.fill_diagonal(off, 0)
    truth, prediction = drawn(app)["selected"]
    assert off[truth, prediction] == off.max() > 0
    assert len(cards(app)) == min(12, off.max())


def test_a_picked_cell_shows_its_images_and_goes_into_the_link(at_home: Any, found: Outcomes) -> None:
    app = opened(at_home)
    app.selectbox(key="cell.Predicted").select(drawn(app)["selected"][0]).run()
    truth, prediction = drawn(app)["selected"]
    assert truth == prediction
    rows = np.flatnonzero((found.truth == truth) & (found.prediction == prediction))
    assert len(cards(app)) == min(12, len(rows))
    assert all(card["outcome"] == "right" for card in cards(app))
    assert app.query_params["cell"] == f"{found.labels[truth]}~{found.labels[prediction]}"


def test_a_link_opens_its_cell(at_home: Any, found: Outcomes) -> None:
    last = found.labels[-1]
    app = opened(at_home, cell=f"{last}~{last}")
    assert drawn(app)["selected"] == [len(found.labels) - 1] * 2


def test_the_matrix_follows_the_shared_filters(at_home: Any, found: Outcomes) -> None:
    label = found.labels[0]
    matrix = drawn(opened(at_home, truth=label))
    assert matrix["n"] == (found.truth == 0).sum()


@pytest.mark.parametrize(("by", "words"), [("count", "counts"), ("column", "column"), ("all", "all images")])
def test_normalisations_state_their_denominator(at_home: Any, by: str, words: str) -> None:
    app = opened(at_home, norm=by)
    matrix = drawn(app)
    assert matrix["by"] == by
    assert any(words in caption.value for caption in app.caption)
    if by == "all":
        assert sum(matrix["values"]) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("order", ["error", "similarity"])
def test_orders_are_those_of_the_matrix(at_home: Any, found: Outcomes, order: Any) -> None:
    matrix = drawn(opened(at_home, sort=order))
    expected = confusion(found, np.ones(len(found), bool)).order(order).tolist()
    assert expected != sorted(expected)
    assert matrix["rows"] == expected
    assert matrix["rows"] == [code for code in matrix["columns"] if code < len(matrix["names"]) - 1]


def test_a_control_goes_into_the_link_and_the_default_out_of_it(at_home: Any) -> None:
    app = opened(at_home, norm="all")
    app.get_by_key("choice.norm").set_value("count").run()
    assert app.query_params["norm"] == "count"
    assert drawn(app)["by"] == "count"
    app.get_by_key("choice.norm").set_value("row").run()
    assert "norm" not in app.query_params


def test_an_empty_selection_says_so(at_home: Any) -> None:
    app = opened(at_home, q="no such words anywhere")
    assert any("Widen the filters" in info.value for info in app.info)
