"""The Explorer: its map, what was picked on it, what it says of itself, and maps laid out by a command."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.data import Dataset, open_dataset
from core.evaluation import Outcomes, outcomes
from core.models import find_checkpoint
from core.settings import HOME, Settings
from core.store import FeatureStore
from pages.ui import resources
from pages.ui.explorer_picked import PICKED, rows_of
from pages.ui.explorer_trust import pair_rows
from tests.app.test_confusion import cards
from tests.dashboard import Place, open_page


@pytest.fixture
def dataset(place: Place) -> Dataset:
    return open_dataset(place.data, cache=place.cache)


@pytest.fixture
def found(place: Place, dataset: Dataset) -> Outcomes:
    checkpoint = find_checkpoint(Settings.from_environment(place.environment), "synthetic-2")
    predictions = FeatureStore(place.cache).predictions(dataset, checkpoint)
    return outcomes(dataset, predictions, dataset.taxonomy.primary.name)


def opened(app: Any, **query: str) -> Any:
    return open_page(app, "pages/5_Explorer.py", **query)


def texts(app: Any) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.info))


def figures(app: Any) -> list[dict[str, Any]]:
    import json

    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def drawn(figure: dict[str, Any]) -> list[int]:
    """The rows that a figure's points name."""
    import base64

    rows: list[int] = []
    for trace in figure["data"]:
        if "customdata" in trace:
            packed = trace["customdata"]
            rows += np.frombuffer(base64.b64decode(packed["bdata"]), dtype=packed["dtype"]).tolist()
    return sorted(rows)


def test_the_straight_map_shows_every_row_of_the_selection(at_home: Any, found: Outcomes) -> None:
    app = opened(at_home)
    [figure] = figures(app)
    assert drawn(figure) == list(range(len(found)))
    assert {trace["type"] for trace in figure["data"]} == {"scattergl"}
    assert "dtype" in figure["data"][0]["x"]  # typed arrays, not lists of numbers
    assert "Images that lie together" in texts(app) or "Most images" in texts(app)


def test_mistakes_have_rings(at_home: Any, found: Outcomes) -> None:
    [figure] = figures(opened(at_home))
    ring = next(trace for trace in figure["data"] if trace["name"] == "wrong")
    assert ring["marker"]["symbol"] == "circle-open"
    assert f"A ring marks a mistake ({int((found.scored & ~found.correct).sum())})".replace(",", "") in texts(
        at_home
    )


def test_the_selection_narrows_the_map_and_the_rest_stays_pale(at_home: Any, dataset: Dataset) -> None:
    app = opened(at_home, split="test")
    [figure] = figures(app)
    assert drawn(figure) == np.flatnonzero(dataset.split_mask("test")).tolist()
    assert any(trace["name"] == "not in the selection" for trace in figure["data"])
    app.get_by_key("choice.rest").set_value(False).run()
    assert not any(trace["name"] == "not in the selection" for trace in figures(app)[0]["data"])


@pytest.mark.parametrize("colour", ["Right or wrong", "Confidence", "Split", "Object", "Cluster (k-means)"])
def test_every_colouring_draws_every_row(at_home: Any, found: Outcomes, colour: str) -> None:
    app = opened(at_home, colour=colour)
    assert drawn(figures(app)[0]) == list(range(len(found)))


def test_picked_rows_are_described_and_shown(at_home: Any, found: Outcomes, dataset: Dataset) -> None:
    app = opened(at_home)
    rows = tuple(range(10, 40))
    app.session_state[PICKED] = (dataset.fingerprint, rows)
    app.run()
    assert not app.exception and not app.error
    assert "Picked: 30 images" in texts(app)
    right = int(found.correct[list(rows)].sum())
    assert f"Accuracy **{100 * right / 30:.1f} %" in texts(app)
    assert len(cards(app)) == 12
    mix = app.dataframe[0].value
    assert mix["images"].sum() == 30
    assert mix["wrong"].sum() == 30 - right
    app.button(key="explorer.clear").click().run()
    assert "Draw around points" in texts(app)


def test_one_picked_row_shows_its_nearest_with_distances(at_home: Any, dataset: Dataset) -> None:
    app = opened(at_home)
    app.session_state[PICKED] = (dataset.fingerprint, (5,))
    app.run()
    assert not app.exception and not app.error
    assert "Nearest to" in texts(app)


def test_a_pair_that_mixes_picks_its_confused_images(found: Outcomes) -> None:
    rows = np.arange(len(found))
    view: Any = SimpleNamespace(outcomes=found, rows=rows)
    wrong = rows[found.scored & ~found.correct]
    first, second = (found.labels[code] for code in (found.truth[wrong[0]], found.prediction[wrong[0]]))
    picked = pair_rows(view, first, second)
    assert wrong[0] in picked and not found.correct[picked].any()
    assert picked.tolist() == pair_rows(view, second, first).tolist()
    view.rows = rows[found.correct]
    labels = {found.labels[code] for code in found.truth[pair_rows(view, first, second)]}
    assert labels == {first, second}, "nothing is confused, so both labels' images are picked"


def test_rows_picked_in_another_data_set_mean_nothing_here(at_home: Any) -> None:
    app = opened(at_home)
    app.session_state[PICKED] = ("another", (1, 2, 3))
    app.run()
    assert "Draw around points" in texts(app)


@pytest.mark.parametrize(
    ("event", "rows"),
    [
        (
            {"selection": {"points": [{"customdata": 3}, {"customdata": [1]}, {"customdata": {"0": 3}}]}},
            (1, 3),
        ),
        ({"selection": {"points": [{"customdata": -1}, {"customdata": 10}, {"customdata": "2"}, {}]}}, ()),
        (
            {"selection": {"points": [{"customdata": True}, {"customdata": [1, 2]}, {"customdata": 2.0}]}},
            (2,),
        ),
        ({}, ()),
    ],
)
def test_what_the_browser_sends_is_checked(event: dict[str, Any], rows: tuple[int, ...]) -> None:
    assert rows_of(event, 10) == rows


def test_a_map_that_is_not_there_is_offered_with_pca_meanwhile(at_home: Any) -> None:
    app = opened(at_home, map="balanced")
    assert any(button.label == "Lay out this map" for button in app.button)
    assert "straight map (PCA)" in texts(app)
    assert figures(app)


def test_a_read_only_dashboard_offers_no_work(at_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_READ_ONLY", "1")
    app = opened(at_home, map="balanced")
    assert not any(button.label == "Lay out this map" for button in app.button)


def test_the_command_makes_the_map_that_the_page_then_finds(at_home: Any, place: Place) -> None:
    argv = [sys.executable, "-m", "core", "project", "--checkpoint", "synthetic-2", "--method", "tsne"]
    environment = {**os.environ, **place.environment}
    done = subprocess.run(argv, cwd=HOME, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    app = opened(at_home, map="tsne")
    assert not any(button.label == "Lay out this map" for button in app.button)
    assert "have no meaning here" in texts(app)


def test_two_checkpoints_lie_beside_each_other(at_home: Any) -> None:
    app = opened(at_home, beside="synthetic-1")
    assert len(figures(app)) == 3
    assert "Procrustes" in texts(app)


def test_a_checkpoint_that_has_not_looked_at_the_images_is_prepared_where_it_is_chosen(
    at_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed = resources.indexed
    monkeypatch.setattr(
        resources,
        "indexed",
        lambda data, one, *more: None if one.name == "synthetic-1" else indexed(data, one, *more),
    )
    app = opened(at_home, beside="synthetic-1")
    assert len(figures(app)) == 1
    assert any(button.label == "Build the features" for button in app.button)


def test_the_page_loads_neither_umap_nor_torch(at_home: Any) -> None:
    code = "import sys, pages.ui.explorer; print(sorted({'umap', 'numba', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, timeout=200)
    assert done.stdout.strip() == "[]", done.stderr


def test_an_image_is_located_with_its_neighbours_and_let_go(at_home: Any, dataset: Dataset) -> None:
    app = opened(at_home, at=str(dataset.table["image_id"].iat[7]))
    names = [trace["name"] for trace in figures(app)[0]["data"]]
    assert any(name.startswith("pin: ") for name in names)
    assert figures(app)[0]["layout"]["xaxis"]["range"]
    assert "The pin marks" in texts(app)
    assert "Nearest to" in texts(app)
    next(button for button in app.button if button.label == "Take the mark away").click().run()
    assert not any(trace["name"].startswith("pin: ") for trace in figures(app)[0]["data"])


def test_words_drop_a_pin_that_says_what_it_is(at_home: Any, dataset: Dataset) -> None:
    label = dataset.taxonomy.primary.labels[0]
    app = opened(at_home, pin=label)
    assert f"pin: {label}" in [trace["name"] for trace in figures(app)[0]["data"]]
    assert "words have no place in feature space" in texts(app)
    app = opened(at_home, pin="xyzzy")
    assert "means anything to these heads" in texts(app)


def test_clusters_are_compared_with_the_labels(at_home: Any) -> None:
    assert "Adjusted mutual information" in texts(opened(at_home, colour="Cluster (k-means)"))


@pytest.mark.parametrize(
    ("event", "rows"),
    [
        ({"polygon": [[-9e9, -9e9], [9e9, -9e9], [9e9, 9e9], [-9e9, 9e9]]}, 400),
        ({"point": [0.0, 0.0], "reach": 9.0}, 1),
        ({"point": [0.0, 0.0], "reach": 0.0}, 0),
        ({"polygon": [[0, 0], [1, 1]]}, 0),
        ({"polygon": [[0, 0], [1, 1], ["a", 2]]}, 0),
        ({"polygon": [[0, 0], [1, 1], [float("nan"), 2]]}, 0),
        ({"polygon": [[0, 0, 0]] * 4}, 0),
        ({"polygon": [[0, 0]] * 9999}, 0),
        ({"point": [0.0]}, 0),
        ({"point": [0.0, 0.0], "reach": None}, 0),
        ("nonsense", 0),
        (None, 0),
    ],
)
def test_what_is_drawn_around_on_a_large_map_is_checked(event: object, rows: int) -> None:
    from core.figures.raster import layer
    from core.figures.scatter_colours import Colouring
    from pages.ui.explorer_raster import picked_of

    coords = np.random.default_rng(0).normal(0, 1, (400, 2)).astype(np.float32)
    colouring = Colouring("x", ("a",), np.zeros(400, np.int32))
    drawn = layer(coords, colouring, np.arange(400), np.zeros(400, bool), "light")
    assert len(picked_of(drawn, event)) == rows


@pytest.mark.parametrize(("axes", "said"), [("2", "Draw around points"), ("3", "Drag to turn the map")])
def test_the_hint_is_of_what_the_map_can_do(at_home: Any, axes: str, said: str) -> None:
    assert any(said in caption.value for caption in opened(at_home, axes=axes).caption)
