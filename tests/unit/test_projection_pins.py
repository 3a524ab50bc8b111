"""Queries on a map, and groups that the embeddings form: placed among their like, honest about scatter."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import SelectionError
from core.figures.pins import Pin, focus_window
from core.figures.scatter import scatter
from core.figures.scatter_colours import Colouring
from core.projection import Parameters, Projection, clusters, fit, middle, place_embedding, space


@pytest.fixture(scope="module")
def embeddings() -> np.ndarray:
    """Three clouds of 40 images in 16 dimensions; the last image has no features."""
    draw = np.random.default_rng(0)
    found = np.repeat(np.eye(16)[:3] * 6, 40, axis=0) + draw.normal(0, 0.4, (120, 16))
    found[-1] = np.nan
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def maps(embeddings: np.ndarray) -> dict[str, Projection]:
    found = space(embeddings)
    return {name: fit(found, Parameters(name)) for name in ("pca", "tsne")}  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_an_image_of_the_map_is_placed_where_it_lies(method: str, embeddings: np.ndarray, maps: dict) -> None:
    place = place_embedding(space(embeddings), maps[method], 3 * embeddings[50])
    size = np.ptp(maps[method].coords[:-1], axis=0).max()
    assert np.linalg.norm(place - maps[method].coords[50]) < 0.01 * size


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_new_image_is_placed_among_its_like(method: str, embeddings: np.ndarray, maps: dict) -> None:
    new = np.eye(16, dtype=np.float32)[1] * 2
    place = place_embedding(space(embeddings), maps[method], new)
    coords = maps[method].coords[:119]
    assert 40 <= np.linalg.norm(coords - place, axis=1).argmin() < 80


@pytest.mark.parametrize("wrong", [np.zeros(16), np.full(16, np.nan), np.ones(5)])
def test_what_has_no_direction_has_no_place(wrong: np.ndarray, embeddings: np.ndarray, maps: dict) -> None:
    with pytest.raises(SelectionError, match="no place"):
        place_embedding(space(embeddings), maps["pca"], wrong.astype(np.float32))


def test_the_middle_of_hits_says_whether_they_lie_together(maps: dict) -> None:
    together, anywhere = middle(maps["pca"], np.arange(10)), middle(maps["pca"], np.arange(0, 119, 7))
    assert together is not None
    assert anywhere is not None
    assert together.gathered
    assert not anywhere.gathered
    assert anywhere.spread == pytest.approx(1, abs=0.15)
    assert middle(maps["pca"], np.array([119])) is None
    assert middle(maps["pca"], np.array([], dtype=np.int64)) is None


def test_clusters_find_the_clouds_without_their_labels(embeddings: np.ndarray) -> None:
    truth = np.repeat(np.arange(3, dtype=np.int32), 40)
    found = clusters(space(embeddings), truth, 3)
    assert found.agreement == pytest.approx(1)
    assert found.codes[-1] == -1
    assert all(len(np.unique(found.codes[start : start + 39])) == 1 for start in (0, 40, 80))
    assert (np.diff(np.bincount(found.codes[:-1])) <= 0).all()
    shuffled = np.random.default_rng(0).permutation(truth)
    assert abs(clusters(space(embeddings), shuffled, 3).agreement) < 0.1
    assert np.isnan(clusters(space(embeddings), np.full(120, -1, np.int32), 3).agreement)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_pins_are_drawn_with_their_hits_and_the_map_turns_to_them(dimensions: int) -> None:
    draw = np.random.default_rng(0)
    coords = draw.normal(0, 1, (30, dimensions)).astype(np.float32)
    pins = [Pin("<b>red</b>", coords[3], (1, 2)), Pin("one", coords[4], (4,), focus=True)]
    colouring = Colouring("x", ("a",), np.zeros(30, np.int32))
    figure = scatter(coords, colouring, np.arange(30), pins=pins)
    names = [trace.name for trace in figure.data]
    assert names[-3:] == ["hits of &lt;b>red&lt;/b>", "pin: &lt;b>red&lt;/b>", "pin: one"]
    assert len(figure.data[-3].x) == 2
    window = focus_window(coords, pins)
    assert window is not None
    assert np.mean(window[0]) == pytest.approx(coords[4, 0], abs=1e-5)
    assert (figure.layout.xaxis.range is not None) == (dimensions == 2)
    assert focus_window(coords, pins[:1]) is None
