"""The Heads page: the joint score, one head given another, and the images of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.data import open_dataset
from core.evaluation import outcomes
from core.evaluation.heads import Together, together
from core.figures.heads import conditional_figure
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.dashboard import Place, open_page


@pytest.fixture
def found(place: Place) -> Together:
    """All heads of the second checkpoint on all images."""
    dataset = open_dataset(place.data, cache=place.cache)
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    predictions = FeatureStore(place.cache).predictions(dataset, checkpoint)
    heads = {task: outcomes(dataset, predictions, task) for task in dataset.taxonomy.names}
    return together(heads, np.ones(len(dataset), dtype=bool))


def test_the_joint_score_the_pairs_and_their_images(at_home: Any, found: Together) -> None:
    app = open_page(at_home, "pages/2_Heads.py")
    said = "\n".join(text.value for text in app.markdown)
    assert found.joint.text() in said and found.joint.support() in said
    table = next(frame.value for frame in app.dataframe if "Both wrong" in frame.value)
    assert len(table) == len(found.pairs)
    pair = found.pairs[0]
    row = table[table["Heads"] == f"{pair.a} and {pair.b}"].iloc[0]
    assert (row["Both wrong"], row["Images"]) == (len(pair.neither), pair.n)
    assert row["Phi"] == pytest.approx(pair.phi) and row["p"] == pytest.approx(pair.p)
    heads = next(frame.value for frame in app.dataframe if "Can it be learnt?" in frame.value)
    assert list(heads["Head"]) == list(found.tasks)


def test_a_pair_and_its_images_are_in_the_link(at_home: Any, found: Together) -> None:
    pair = max(found.pairs, key=lambda one: len(one.only_b))
    app = open_page(at_home, "pages/2_Heads.py", heads=f"{pair.a} and {pair.b}", which="only-b")
    which = next(group for group in app.button_group if group.key == "choice.which")
    assert which.value == "only-b"
    assert any(f"{len(pair.only_b):,}" in option.content for option in which.proto.options)


def test_filters_by_answers_are_left_out(at_home: Any, found: Together) -> None:
    app = open_page(at_home, "pages/2_Heads.py", outcome="wrong")
    assert any(found.joint.text() in text.value for text in app.markdown)
    assert any("would not be fair" in text.value for text in app.caption)


def test_without_labelled_images_the_page_says_so(at_home: Any) -> None:
    app = open_page(at_home, "pages/2_Heads.py", q="no such caption")
    assert any("Widen the filters" in info.value for info in app.info)


def test_the_matrix_shows_every_condition_with_its_interval(found: Together) -> None:
    pair = found.pairs[0]
    given = {(pair.a, pair.b): pair.b_when_a_wrong, (pair.b, pair.a): pair.a_when_b_wrong}
    heat = conditional_figure(found.tasks, given, "wrong").data[0]
    row, column = found.tasks.index(pair.a), found.tasks.index(pair.b)
    assert heat.z[row][column] == pytest.approx(100 * pair.b_when_a_wrong.value)
    assert f"{100 * pair.b_when_a_wrong.low:.0f} – " in heat.text[row][column]
    assert pair.b_when_a_wrong.support() in heat.customdata[row][column]
    assert heat.z[0][0] is None and heat.text[0][0] == ""
