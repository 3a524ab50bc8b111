"""Maps of feature space: parameters, PCA, placement, the shelf, and from embeddings to a projection."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.data.taxonomy import Task, Taxonomy
from core.errors import Cancelled, SelectionError, StoreError
from core.projection import PRESETS, Parameters, Shelf, axes, components, fit, fitting, projection_key, space
from core.projection.neighbours import nearest_others
from core.projection.placement import place, sample_rows
from core.settings import HOME
from core.store import Predictions

LABELS = 4


def clouds(n: int = 160, dimensions: int = 24, seed: int = 0) -> np.ndarray:
    """Four clouds around orthogonal directions: row i belongs to cloud i % 4."""
    draw = np.random.default_rng(seed)
    centres = 3 * np.eye(dimensions)[:LABELS]
    return (centres[np.arange(n) % LABELS] + draw.normal(0, 0.35, (n, dimensions))).astype(np.float32)


def predictions(present: np.ndarray, checkpoint: str = "c" * 64) -> Predictions:
    taxonomy = Taxonomy((Task("class", tuple("abcd")),))
    return Predictions("f" * 32, checkpoint, "one", taxonomy, present, {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "magic"},
        {"dimensions": 4},
        {"neighbours": 1},
        {"neighbours": 1000},
        {"min_dist": float("nan")},
        {"perplexity": 0.5},
        {"seed": -1},
    ],
)
def test_parameters_without_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SelectionError, match=next(iter(wrong))):
        Parameters(**wrong)  # type: ignore[arg-type]


def test_a_key_holds_every_parameter_that_is_used_and_no_other() -> None:
    here = predictions(np.ones(6, bool))
    umap = Parameters("umap")
    key = projection_key(here, umap)
    changes: list[dict[str, object]] = [{"neighbours": 7}, {"min_dist": 0.2}, {"seed": 1}, {"dimensions": 3}]
    others = [projection_key(here, replace(umap, **change)) for change in changes]  # type: ignore[arg-type]
    others.append(projection_key(predictions(np.arange(6) > 0), umap))
    others.append(projection_key(predictions(np.ones(6, bool), "d" * 64), umap))
    others.append(projection_key(here, umap, version="later"))
    assert len({key, *others}) == 1 + len(others)
    assert projection_key(here, replace(umap, perplexity=9)) == key
    assert projection_key(here, Parameters("pca", seed=5)) == projection_key(here, Parameters("pca"))


def test_absent_rows_have_no_place_and_the_others_keep_theirs() -> None:
    table = clouds()
    table[[3, 40]] = np.nan
    table[7] = 0
    found = fit(space(table), Parameters("pca"))
    assert np.flatnonzero(~found.shown).tolist() == [3, 7, 40]
    assert found.coords.dtype == np.float32 and found.coords.shape == (160, 2)
    assert not found.coords.flags.writeable


def test_too_few_embeddings_are_an_error() -> None:
    with pytest.raises(StoreError, match="too few"):
        space(np.full((50, 8), np.nan, dtype=np.float16))


def test_half_precision_embeddings_do_not_overflow() -> None:
    table = np.full((10, 300), 200, dtype=np.float16)  # the squared length is far beyond float16
    table[np.arange(10), np.arange(10)] = 0
    assert np.allclose(np.linalg.norm(space(table).unit, axis=1), 1, atol=1e-3)


def test_pca_is_that_of_scikit_learn_up_to_sign() -> None:
    from sklearn.decomposition import PCA

    found = space(clouds())
    parts = components(found, 3)
    model = PCA(3, svd_solver="full").fit(found.unit.astype(float))
    assert np.allclose(parts.explained, model.explained_variance_ratio_, atol=1e-5)
    assert np.allclose(np.abs(np.sum(parts.axes * model.components_, axis=1)), 1, atol=1e-4)
    assert np.allclose(np.abs(parts.place(found.unit)), np.abs(model.transform(found.unit)), atol=1e-3)


def test_the_images_of_an_axis_lie_at_its_ends() -> None:
    found = space(clouds())
    parts = components(found, 2)
    coords = found.spread(parts.place(found.unit))
    for number, axis in enumerate(axes(found, parts)):
        assert coords[list(axis.low), number].max() < coords[list(axis.high), number].min()
        assert len({*axis.low, *axis.high}) == 8


def test_neighbours_are_exact_and_never_oneself() -> None:
    table = clouds(60)
    table[10:20] = table[10]  # ten copies: more than k coincide
    index, distance = nearest_others(table, 5)
    every = np.linalg.norm(table[:, None] - table[None], axis=2)
    np.fill_diagonal(every, np.inf)
    assert np.allclose(distance, np.sort(every, axis=1)[:, :5], atol=1e-3)
    assert (index != np.arange(60)[:, None]).all()


def test_the_rest_is_placed_among_its_own_cloud() -> None:
    table = space(clouds(400)).unit
    corners = np.array([[0, 0], [0, 10], [10, 0], [10, 10]], dtype=np.float32)
    layout = corners[np.arange(200) % LABELS]
    placed = place(table[:200], layout, table[200:])
    assert np.linalg.norm(placed - corners[np.arange(200) % LABELS], axis=1).max() < 3
    assert np.allclose(place(table[:200], layout, table[:5]), layout[:5], atol=1e-2)


def test_very_many_are_placed_nearly_where_comparing_all_would_place_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = space(clouds(4000)).unit
    layout = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)
    exact = place(table[:2000], layout, table)
    monkeypatch.setattr("core.projection.placement.MANY", 1000)
    quick = place(table[:2000], layout, table)
    assert (quick == place(table[:2000], layout, table)).all(), "the same every time"
    assert np.isclose(quick, exact, atol=1e-3).all(axis=1).mean() > 0.95
    assert np.allclose(quick[:2000], layout, atol=1e-2), "an image of the sample lands on itself"


def test_a_sample_is_drawn_once_and_sorted() -> None:
    rows = sample_rows(1000, 100, 3)
    assert len(set(rows.tolist())) == 100 and (np.diff(rows) > 0).all()
    assert (rows == sample_rows(1000, 100, 3)).all()
    assert sample_rows(5, 100, 0).tolist() == [0, 1, 2, 3, 4]


def test_large_sets_are_laid_out_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def layout(unit: np.ndarray, parameters: Parameters, progress: object) -> np.ndarray:
        asked.append(len(unit))
        return np.ascontiguousarray(unit[:, : parameters.dimensions])

    monkeypatch.setattr(fitting, "_layout", layout)
    monkeypatch.setitem(fitting.SAMPLES, "umap", 120)
    steps: list[tuple[int, int]] = []
    found = fit(
        space(clouds(400)), Parameters("umap"), progress=lambda done, total, note: steps.append((done, total))
    )
    assert asked == [120]
    assert found.fitted == 120 and found.shown.all()
    assert steps == sorted(steps) and steps[-1] == (1000, 1000)


def test_a_cancel_stops_the_work() -> None:
    def stop(done: int, total: int, note: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit(space(clouds()), Parameters("pca"), progress=stop)


def test_tsne_keeps_the_clouds_apart() -> None:
    found = fit(space(clouds(100)), Parameters("tsne", perplexity=200))
    centres = np.array([found.coords[k::LABELS].mean(axis=0) for k in range(LABELS)])
    nearest = np.linalg.norm(found.coords[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == np.arange(100) % LABELS).mean() > 0.95
    assert found.quality.trustworthiness > 0.8


def test_a_map_on_the_shelf_is_the_one_that_was_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    kept = fit(space(clouds()), Parameters("pca", 3), key="a" * 32)
    shelf.keep(kept)
    found = shelf.find("a" * 32)
    assert found is not None
    assert (found.coords == kept.coords).all()
    assert (found.parameters, found.quality, found.explained) == (
        kept.parameters,
        kept.quality,
        kept.explained,
    )
    assert shelf.find("b" * 32) is None


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "swapped"])
def test_a_damaged_map_is_a_miss(tmp_path: Path, suffix: str, damage: str) -> None:
    shelf = Shelf(tmp_path)
    for key, seed in (("a" * 32, 0), ("b" * 32, 1)):
        shelf.keep(fit(space(clouds(seed=seed)), Parameters("pca"), key=key))
    file, other = (shelf.folder / f"{name * 32}{suffix}" for name in "ab")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x55
    damages = {"cut": bytes(data[: len(data) // 2]), "flip": bytes(data), "swapped": other.read_bytes()}
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(damages[damage])
    found = shelf.find("a" * 32)
    # a flipped byte beside the coordinates may still read as a map, but never with other coordinates
    assert found is None or (damage, suffix) == ("flip", ".json")
    assert shelf.find("b" * 32) is not None


def test_presets_are_valid_and_explained() -> None:
    assert {preset.parameters.method for preset in PRESETS.values()} == {"pca", "umap", "tsne"}
    assert all(len(preset.help) > 60 for preset in PRESETS.values())


def test_importing_projection_loads_neither_umap_nor_sklearn() -> None:
    code = (
        "import sys, core.projection, core.figures.scatter; "
        "print(sorted({'umap', 'numba', 'torch', 'streamlit', 'plotly'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, timeout=200)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.slow
def test_umap_keeps_the_clouds_apart_and_its_seed() -> None:
    found = space(clouds(120))
    notes: list[str] = []
    first = fit(
        found, Parameters("umap", neighbours=8), progress=lambda done, total, note: notes.append(note)
    )
    second = fit(found, Parameters("umap", neighbours=8), stability=True)
    assert np.array_equal(first.coords, second.coords)
    assert second.quality.stability is not None and second.quality.stability > 0.3
    assert first.quality.trustworthiness > 0.85
    assert "laying out the map" in notes
