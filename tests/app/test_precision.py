"""int8 predictions on pages: offered where there are some, named on every page, never shown unasked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.data import Dataset, open_dataset
from core.inference import Calibration, Outputs
from core.models import find_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from core.store.features import FeatureRows, append_rows
from core.store.variant import Variant, make_entry
from tests.dashboard import Place, open_page

NAME, PAGE = "synthetic-2", "pages/1_Confusion.py"


@pytest.fixture
def dataset(place: Place) -> Dataset:
    return open_dataset(place.data, cache=place.cache)


@pytest.fixture
def int8(place: Place, dataset: Dataset) -> Iterator[None]:
    """int8 features of the test split, made up: every image gets the first label of every head."""
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), NAME)
    variant = Variant.of(checkpoint, "openvino", "int8", Calibration.of(dataset).key)
    entry = make_entry(FeatureStore(place.cache).root, variant, NAME)
    shas = list(dataset.table["sha"].astype(str)[dataset.split_mask("test")])
    logits = {
        task: np.eye(len(labels), dtype=np.float32)[np.zeros(len(shas), dtype=int)]
        for task, labels in variant.taxonomy.items()
    }
    features = FeatureRows(variant)
    features.add(shas, Outputs(np.ones((len(shas), variant.embedding_dim), np.float32), logits))
    append_rows(entry, features)
    yield
    shutil.rmtree(entry.folder)


def overview(app: Any, **query: str) -> Any:
    """The overview with its sidebar, which pages opened by `open_page` lack."""
    for key, value in {"model": NAME, "split": "test", **query}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def offers_precision(app: Any) -> bool:
    return any(one.label == "Precision" for one in app.get("button_group"))


def about(app: Any) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


def test_int8_is_offered_and_not_taken(at_home: Any, int8: None) -> None:
    app = overview(at_home)
    assert offers_precision(app)
    assert f"{NAME} in int8" not in about(app) and f"{NAME} ·" in about(app)


def test_int8_is_shown_when_asked_for(at_home: Any, int8: None, dataset: Dataset) -> None:
    app = overview(at_home, precision="int8")
    assert f"{NAME} in int8" in about(app)
    done = int(dataset.split_mask("test").sum())
    assert f"int8 has looked at {done} of {len(dataset)} images" in about(app)
    assert f"{NAME} in int8" in about(open_page(app, PAGE, split="test", precision="int8"))


def test_a_link_to_int8_that_is_not_there_shows_the_usual_with_a_note(at_home: Any) -> None:
    app = overview(at_home, precision="int8")
    assert not offers_precision(app)
    assert f"'{NAME}' has no int8 predictions here" in about(app)
