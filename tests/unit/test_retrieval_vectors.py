"""Image search: exact cosine, the approximate index beside it, hidden objects, words and image together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import Cancelled, SelectionError
from core.retrieval import ImageOptions, Picture, Playground, Source
from core.retrieval.vectors import Vectors
from tests.unit.retrieval_case import COLORS, KINDS, MATERIALS, dataset, predictions, sure


def cloud(n: int, d: int = 32, centres: int = 40, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    middle = random.standard_normal((centres, d))
    return (middle[random.integers(0, centres, n)] + random.standard_normal((n, d))).astype(np.float32)


def test_exact_search_is_cosine() -> None:
    table = cloud(500)
    vectors = Vectors(table)
    query = table[3] + 0.1
    cosines = table @ query / (np.linalg.norm(table, axis=1) * np.linalg.norm(query))
    rows, found = vectors.search(query, 10)
    assert rows.tolist() == np.argsort(-cosines)[:10].tolist()
    np.testing.assert_allclose(found, np.sort(cosines)[::-1][:10], atol=1e-5)
    assert not vectors.approximate and vectors.recall == 1.0


def test_rows_without_direction_are_never_found() -> None:
    table = cloud(50)
    table[3], table[4], table[5, 0] = np.nan, 0.0, np.inf
    rows, _ = Vectors(table).search(table[0], 50)
    assert len(rows) == 47 and not {3, 4, 5} & set(rows.tolist())
    with pytest.raises(SelectionError):
        Vectors(table).of(3)


@pytest.mark.parametrize("bad", [np.zeros(32), np.full(32, np.nan), np.ones(31)])
def test_an_unusable_query_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(SelectionError, match="no usable embedding"):
        Vectors(cloud(10)).search(bad, 3)


def test_the_index_keeps_its_promise_and_exact_is_exact(tmp_path: Path) -> None:
    table = cloud(6000)
    table[::50] = np.nan
    path = tmp_path / "retrieval" / "a.faiss"
    vectors = Vectors(table, exact_rows=1000, path=path)
    plain = Vectors(table)
    assert vectors.approximate and vectors.recall >= 0.99 and path.is_file()
    queries = np.random.default_rng(5).permutation(np.flatnonzero(plain.usable))[:100]
    kept = []
    for row in queries:
        near, cosines = vectors.search(table[row], 20)
        truth, exact = plain.search(table[row], 20)
        kept.append(len(np.intersect1d(near, truth)) / 20)
        assert (np.diff(cosines) <= 0).all()
        again, _ = vectors.search(table[row], 20, exact=True)
        assert again.tolist() == truth.tolist()
    assert np.mean(kept) >= 0.99


def test_a_kept_index_is_read_again_and_a_damaged_one_rebuilt(tmp_path: Path) -> None:
    table, path = cloud(3000), tmp_path / "a.faiss"
    first = Vectors(table, exact_rows=1000, path=path)
    stamp = path.stat().st_mtime_ns
    assert Vectors(table, exact_rows=1000, path=path).search(table[7], 5)[0][0] == 7
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(path.read_bytes()[:1000])
    again = Vectors(table, exact_rows=1000, path=path)
    assert again.search(table[7], 20)[0].tolist() == first.search(table[7], 20)[0].tolist()


def test_without_leave_to_build_every_row_is_compared_until_the_index_is_there(tmp_path: Path) -> None:
    table, path = cloud(3000), tmp_path / "a.faiss"
    told: list[str] = []
    waiting = Vectors(table, exact_rows=1000, path=path, build=False)
    assert waiting.unindexed and not waiting.approximate and not path.exists()
    assert waiting.search(table[7], 20)[0].tolist() == Vectors(table).search(table[7], 20)[0].tolist()
    Vectors(table, exact_rows=1000, path=path, progress=lambda done, total, note: told.append(note))
    assert told[0] == "finding cells" and "sorting images into cells" in told
    made = Vectors(table, exact_rows=1000, path=path, build=False)
    assert made.approximate and not made.unindexed
    assert not Vectors(table, build=False).unindexed


def test_a_cancelled_build_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int, note: str) -> None:
        if note.startswith("sorting"):
            raise Cancelled("Stopped")

    with pytest.raises(Cancelled):
        Vectors(cloud(3000), exact_rows=1000, path=tmp_path / "a.faiss", progress=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["index", "facts", "other vectors"])
def test_an_index_that_does_not_fit_is_built_again(tmp_path: Path, damage: str) -> None:
    table, path = cloud(3000), tmp_path / "a.faiss"
    recall = Vectors(table, exact_rows=1000, path=path).recall
    facts = path.with_suffix(".json")
    if damage == "index":
        path.write_bytes(b"")
    elif damage == "facts":
        facts.write_text('{"vectors": 3000, "probes": 0}')
    else:
        Vectors(cloud(2000), exact_rows=1000, path=path)
    assert Vectors(table, exact_rows=1000, path=path).recall == recall
    assert json.loads(facts.read_text())["vectors"] == 3000


def test_under_a_filter_the_index_keeps_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.retrieval.vectors.FEW_ROWS", 0)
    table = cloud(8000)
    table[::40] = np.nan
    keep = np.random.default_rng(3).random(8000) < 0.1
    vectors, plain = Vectors(table, exact_rows=1000), Vectors(table)
    kept = []
    for row in range(1, 8000, 100):
        near, _ = vectors.search(table[row], 20, keep=keep)
        truth, _ = plain.search(table[row], 20, keep=keep)
        assert len(near) == 20 and keep[near].all()
        kept.append(len(np.intersect1d(near, truth)) / 20)
    assert np.mean(kept) >= 0.99


def test_a_filter_that_leaves_few_rows_still_finds_k() -> None:
    table = cloud(5000)
    keep = np.zeros(5000, dtype=bool)
    keep[[5, 900, 4000, 4999]] = True
    vectors = Vectors(table, exact_rows=1000)
    rows, _ = vectors.search(table[5], 4, keep=keep)
    assert set(rows.tolist()) == {5, 900, 4000, 4999} and rows[0] == 5


def playground() -> Playground:
    """Six images of three objects; 0 and 1 are one object, 2 is nearly it, 3 is alike in another colour."""
    kinds = ["ceramic_mug", "ceramic_mug", "ceramic_mug", "ceramic_mug", "water_bottle", "water_bottle"]
    colors = ["blue", "blue", "blue", "black", "blue", "black"]
    angles = np.asarray([0.0, 0.01, 0.1, 0.2, 1.2, 1.4])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    tables = {
        "class": sure(kinds, KINDS),
        "color": sure(colors, COLORS),
        "material": sure(["metal"] * 6, MATERIALS),
    }
    data = dataset(kinds, colors, instances=["a", "a", "b", "c", "d", "e"])
    return Playground(data, [Source(predictions(tables, embeddings=vectors))])


def test_the_picture_itself_is_no_hit_and_its_object_can_be_hidden() -> None:
    ground = playground()
    picture = ground.picture(0)
    assert ground.by_image(picture).rows == (1, 2, 3, 4, 5)
    assert ground.by_image(picture, options=ImageOptions(hide_same=True)).rows == (2, 3, 4, 5)
    assert ground.by_image(picture, keep=np.arange(6) > 2).rows == (3, 4, 5)


def test_an_upload_may_find_every_image() -> None:
    result = playground().by_image(Picture({"model": np.asarray([1, 0], dtype=np.float32)}))
    assert result.rows[0] == 0 and len(result.hits) == 6
    assert result.hits[0].cosine == pytest.approx(1.0)


def test_the_slider_goes_from_image_to_words() -> None:
    ground = playground()
    picture = ground.picture(0)
    tops = {
        weight: ground.by_image(picture, text="black", options=ImageOptions(weight=weight)).rows
        for weight in (0.0, 0.5, 1.0)
    }
    assert tops[0.0] == (1, 2, 3, 4, 5)
    assert tops[0.5][0] == 3
    assert set(tops[1.0][:2]) == {3, 5}


def test_re_ranking_orders_the_nearest_by_the_words() -> None:
    ground = playground()
    result = ground.by_image(ground.picture(0), text="black", options=ImageOptions(rerank=3))
    assert set(result.rows) == {1, 2, 3} and result.rows[0] == 3
    assert result.hits[0].evidence[0].label == "black"


def test_words_that_mean_nothing_leave_the_image_and_a_note() -> None:
    ground = playground()
    result = ground.by_image(ground.picture(0), text="jug")
    assert result.rows == (1, 2, 3, 4, 5)
    assert any("'jug'" in note for note in result.notes)


def test_several_checkpoints_are_merged_by_rank() -> None:
    ground = playground()
    other = predictions(
        {
            "class": sure(["ceramic_mug"] * 6, KINDS),
            "color": sure(["blue"] * 6, COLORS),
            "material": sure(["metal"] * 6, MATERIALS),
        },
        embeddings=cloud(6, 8),
        name="other",
    )
    both = Playground(ground.dataset, [*ground.sources, Source(other)])
    result = both.by_image(both.picture(0))
    assert len(result.hits) == 5 and result.hits[0].score <= 2 / 61 + 1e-6
