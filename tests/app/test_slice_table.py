"""The Slices page: columns of choice, the search, and the images of one slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.data import Dataset, open_dataset
from core.evaluation import Outcomes, outcomes
from core.evaluation.slices import metrics_by, slice_columns, weak_slices
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place, open_page

PAGE = "pages/8_Slices.py"


@pytest.fixture
def dataset(place: Place) -> Dataset:
    return open_dataset(place.data, cache=place.cache)


@pytest.fixture
def head(place: Place, dataset: Dataset) -> Outcomes:
    """The primary head of the second checkpoint."""
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    predictions = FeatureStore(place.cache).predictions(dataset, checkpoint)
    return outcomes(dataset, predictions, dataset.taxonomy.primary.name)


def table(app: Any) -> Any:
    return next(frame.value for frame in app.dataframe if "Where" in frame.value)


def test_two_columns_of_choice(at_home: Any, dataset: Dataset, head: Outcomes) -> None:
    columns = slice_columns(dataset)
    first, second = list(columns)[1:3]
    app = open_page(at_home, PAGE, by1=first, by2=second, least="8", outcome="wrong")
    expected = metrics_by(head, np.ones(len(head), dtype=bool), columns, [first, second], least=8)
    shown = table(app)
    assert list(shown["Where"]) == [one.text for one in expected]
    assert list(shown["Accuracy"]) == pytest.approx([100 * one.accuracy.value for one in expected])
    assert list(shown["q"]) == pytest.approx([one.q for one in expected])
    assert shown["Images"].min() >= 8
    assert "(" in shown["Difference"].iloc[0]
    app.selectbox(key="choice.by2").set_value("–").run()
    assert not app.exception and not app.error
    assert len(table(app)) == len(metrics_by(head, np.ones(len(head), dtype=bool), columns, [first], least=8))


def test_the_search_and_the_images_of_a_slice(at_home: Any, dataset: Dataset, head: Outcomes) -> None:
    app = open_page(at_home, PAGE, ways="search")
    columns = {name: values for name, values in slice_columns(dataset).items() if name != head.task}
    expected = weak_slices(head, np.ones(len(head), dtype=bool), columns)
    assert list(table(app)["Where"]) == [one.text for one in expected]
    wanted = expected[-1]
    app.selectbox(key="choice.slice-shown").set_value(wanted.text).run()
    assert not app.exception and not app.error
    said = "\n".join(text.value for text in app.markdown)
    assert wanted.accuracy.text() in said and wanted.accuracy.support() in said
    links = [link for link in app.get("page_link") if "Mistakes" in str(link.proto.label)]
    name, label = wanted.where[0]
    assert links and name in str(links[0].proto) and label.split()[0] in str(links[0].proto)


def test_without_labelled_images_the_page_says_so(at_home: Any) -> None:
    app = open_page(at_home, PAGE, q="no such caption")
    assert any("Widen the filters" in info.value for info in app.info)
