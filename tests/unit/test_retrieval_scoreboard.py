"""The scoreboard: scikit-learn's figures, chance, planted quality, tests that find and that do not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import average_precision_score, ndcg_score

from core.errors import SelectionError
from core.retrieval import Lexicon
from core.retrieval.comparisons import CHANCE, flip_test
from core.retrieval.metrics import chance, quality
from core.retrieval.scoreboard import ALL, scoreboard
from core.retrieval.truth import query_types, relevance, truth_queries
from tests.unit.retrieval_case import COLORS, KINDS, MATERIALS, TAXONOMY, dataset, drawn, predictions, sure


def table(queries: int, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores = random.permuted(np.tile(np.arange(rows, dtype=np.float32), (queries, 1)), axis=1)
    right = random.random((queries, rows)) < 0.2
    right[:, 0] = True
    return scores, right


def test_figures_are_scikit_learns() -> None:
    scores, right = table(30, 80)
    found = quality(scores, right, np.ones_like(right), k=10)
    for q in range(30):
        assert found.average_precision[q] == pytest.approx(average_precision_score(right[q], scores[q]))
        assert found.ndcg[q] == pytest.approx(ndcg_score(right[q : q + 1], scores[q : q + 1], k=10))
        top = right[q][np.argsort(-scores[q])[:10]]
        assert found.precision[q] == pytest.approx(top.mean())
        assert found.recall[q] == pytest.approx(top.sum() / right[q].sum())


def test_rows_that_cannot_be_judged_are_taken_out() -> None:
    scores, right = table(10, 60)
    judged = np.random.default_rng(3).random(right.shape) < 0.7
    judged[:, 0] = True
    found = quality(scores, right, judged, k=5)
    for q in range(10):
        keep = judged[q]
        expected = average_precision_score(right[q][keep], scores[q][keep])
        assert found.average_precision[q] == pytest.approx(expected)


def test_ties_gain_nothing() -> None:
    _, right = table(400, 50)
    found = quality(np.zeros(right.shape, dtype=np.float32), right, np.ones_like(right))
    expected = chance(right, np.ones_like(right))
    assert found.average_precision.mean() == pytest.approx(expected.average_precision.mean(), abs=0.02)


def test_chance_is_the_mean_of_random_orders() -> None:
    _, right = table(1, 30)
    judged = np.ones_like(right)
    judged[0, 20:] = False
    random = np.random.default_rng(0)
    runs = [
        quality(random.random((1, 30)).astype(np.float32), right, judged, 5).table()[0] for _ in range(4000)
    ]
    np.testing.assert_allclose(np.mean(runs, axis=0), chance(right, judged, 5).table()[0], atol=0.01)


def test_every_combination_is_asked_once_and_synonyms_are_one() -> None:
    data = dataset(
        ["ceramic_mug", "ceramic_mug", "water_bottle", None], ["gray", "grey", "blue", "blue"], ["metal"] * 4
    )
    lexicon = Lexicon([TAXONOMY])
    asked = truth_queries(data, np.arange(4), lexicon)
    assert asked.present["color"] == 2 and asked.present["color + class"] == 2
    texts = [query.text for query in asked.queries if query.type == "color + class"]
    assert texts == ["blue water bottle", "gray ceramic mug"]
    for query, (right, judged) in zip(asked.queries, relevance(data, lexicon, asked), strict=True):
        assert (right & judged).any(), query.text
        if query.text == "gray ceramic mug":
            assert right.tolist() == [True, True, False, False]
            assert judged.tolist() == [True, True, True, False]


def test_types_grow_around_the_primary_task() -> None:
    assert list(query_types(("a", "b", "c"), 3)) == [
        ("a",),
        ("b",),
        ("c",),
        ("b", "a"),
        ("c", "a"),
        ("b", "c", "a"),
    ]
    assert list(query_types(("a",), 3)) == [("a",)]


def test_perfect_heads_score_one_and_beat_chance() -> None:
    random = np.random.default_rng(0)
    kinds = [KINDS[c] for c in random.integers(0, 5, 120)]
    colors = [COLORS[c] for c in random.integers(0, 2, 120)]
    materials = [MATERIALS[c] for c in random.integers(0, 3, 120)]
    tables = {
        "class": sure(kinds, KINDS),
        "color": sure(colors, COLORS),
        "material": sure(materials, MATERIALS),
    }
    board = scoreboard(dataset(kinds, colors, materials), [predictions(tables)], "test")
    lines = {line.method: line for line in board.lines if line.type == ALL}
    assert lines["probability"].map.value == pytest.approx(1.0)
    assert lines["chance"].map.value < 0.3
    assert board.queries("model", "probability")[0].average_precision == pytest.approx(1.0)


def test_weighing_by_probability_beats_tfidf_where_heads_know_their_doubts() -> None:
    data, found = drawn(400, 0.6)
    board = scoreboard(data, [found], "test")
    verdict = next(c for c in board.comparisons if (c.a.method, c.b.method) == ("probability", "tfidf"))
    assert verdict.difference.low > 0 and verdict.p_holm < 0.01 and verdict.p_by_label < 0.05
    assert verdict.wins > verdict.losses
    assert "beats" in verdict.text()


def test_two_checkpoints_together_beat_each() -> None:
    data, one = drawn(400, 0.6, name="one")
    _, two = drawn(400, 0.6, name="two")
    board = scoreboard(data, [one, two], "test")
    maps = {(line.model, line.method): line.map.value for line in board.lines if line.type == ALL}
    together = maps["one + two", "average"]
    assert together > max(maps["one", "probability"], maps["two", "probability"])
    assert ("one + two", "rrf") in maps


def test_heads_that_know_nothing_are_at_chance() -> None:
    data, found = drawn(400, 0.0)
    board = scoreboard(data, [found], "test")
    lines = {line.method: line for line in board.lines if line.type == ALL}
    assert lines["probability"].map.value == pytest.approx(lines["chance"].map.value, abs=0.05)


def test_the_scoreboard_ranks_as_the_search_does() -> None:
    from core.retrieval import Playground, Source
    from core.retrieval.rankings import Rankings

    data, found = drawn(150, 0.7)
    ground = Playground(data, [Source(found)])
    texts = ["blue ceramic mug", "metal wrist watch", "grey", "dark red leather travel backpack"]
    rankings = Rankings(texts, np.arange(150), [found], ground.lexicon)
    for who, scores in rankings.tables(slice(0, 4)):
        for text, row in zip(texts, scores, strict=True):
            result = ground.by_text(text, k=150, method=who.method)  # type: ignore[arg-type]
            mine = row[list(result.rows)]
            assert (np.diff(mine) <= 1e-6).all(), (who, text)
            assert kendalltau(mine, [hit.score for hit in result.hits]).statistic > 0.99


def test_flip_test_knows_a_shift_from_noise() -> None:
    random = np.random.default_rng(0)
    for n in (40, 2000):
        assert flip_test(random.standard_normal(n) + 0.8)[0] < 0.001
        assert flip_test(random.standard_normal(n))[0] > 0.05
    assert flip_test(np.zeros(10))[0] == 1.0


def test_flip_test_rejects_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    rejected = [flip_test(random.standard_normal(9))[0] < 0.05 for _ in range(100)]
    assert np.mean(rejected) <= 0.11


def test_json_has_figures_with_intervals_and_is_whole() -> None:
    data, found = drawn(60, 0.7)
    text = json.dumps(scoreboard(data, [found], "test").to_json(), allow_nan=False)
    made = json.loads(text)
    assert {"split", "queries", "k", "types", "scores", "comparisons", "by_image", "worst"} <= set(made)
    first = made["scores"][0]
    assert first["type"] == ALL and first["map"]["low"] <= first["map"]["value"] <= first["map"]["high"]
    assert [row["average_precision"] for row in made["worst"]] == sorted(
        r["average_precision"] for r in made["worst"]
    )


def test_image_search_is_scored_without_the_same_object() -> None:
    kinds = ["ceramic_mug"] * 4 + ["water_bottle"] * 4
    angles = np.asarray([0, 0.01, 0.3, 0.31, 1.5, 1.51, 1.2, 1.21])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    tables = {
        "class": sure(kinds, KINDS),
        "color": sure(["blue"] * 8, COLORS),
        "material": sure(["metal"] * 8, MATERIALS),
    }
    data = dataset(kinds, ["blue"] * 8, instances=list("aabbccdd"))
    (by_image,) = scoreboard(data, [predictions(tables, embeddings=vectors)], "test", k=2).images_asked
    assert by_image.n == 8 and by_image.map.instances == 4
    assert by_image.map.value == pytest.approx(1.0) and by_image.precision.value == pytest.approx(1.0)


def test_a_split_without_labels_is_refused() -> None:
    data = dataset([None, "ceramic_mug"], [None, "blue"], [None, "metal"], splits=["test", "train"])
    tables = {
        "class": sure(["ceramic_mug"] * 2, KINDS),
        "color": sure(["blue"] * 2, COLORS),
        "material": sure(["metal"] * 2, MATERIALS),
    }
    with pytest.raises(SelectionError, match="no labels to ask for"):
        scoreboard(data, [predictions(tables)], "test")
    with pytest.raises(SelectionError, match="was not measured"):
        scoreboard(data, [predictions(tables)], "train").queries("model", "magic")
    assert CHANCE in scoreboard(data, [predictions(tables)], "train").figures
