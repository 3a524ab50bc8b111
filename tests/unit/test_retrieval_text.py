"""Text search: the formulas, the reasons, and TF-IDF as scikit-learn computes it."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.taxonomy import Task, Taxonomy
from core.errors import SelectionError
from core.retrieval import METHODS, Lexicon, Playground, Source, parse
from core.retrieval.descriptions import Descriptions
from core.retrieval.probabilities import FLOOR, Beliefs
from core.retrieval.ranking import best, reciprocal_rank_fusion
from core.retrieval.truth import fitting
from tests.unit.retrieval_case import (
    COLORS,
    KINDS,
    MATERIALS,
    TAXONOMY,
    dataset,
    drawn,
    predictions,
    sure,
)

KIND = ["ceramic_mug", "ceramic_mug", "water_bottle", "travel_handbag"]
COLOR = ["blue", "black", "blue", "grey"]


def ground(**more: object) -> Playground:
    tables = {
        "class": sure(KIND, KINDS),
        "color": sure(COLOR, COLORS, 0.8),
        "material": sure(["metal"] * 4, MATERIALS),
    }
    found = predictions(tables, **more)  # type: ignore[arg-type]
    return Playground(dataset(KIND, COLOR), [Source(found)])


def test_the_score_is_the_product_of_the_terms_probabilities() -> None:
    result = ground().by_text("blue mug")
    assert result.rows[0] == 0
    assert result.hits[0].score == pytest.approx(0.8 * 0.9, rel=1e-4)
    assert [hit.score for hit in result.hits] == sorted((h.score for h in result.hits), reverse=True)
    total = ground().by_text("blue mug", method="sum")
    assert total.hits[0].score == pytest.approx(0.8 + 0.9, rel=1e-4)


def test_negation_takes_the_complement_and_synonyms_add_up() -> None:
    assert ground().by_text("mug not blue").rows[0] == 1
    assert ground().by_text("mug not blue").hits[0].score == pytest.approx(0.9 * 0.95, rel=1e-4)
    grey = ground().by_text("gray").hits[0]
    assert grey.row == 3 and grey.score == pytest.approx(0.8 + 0.05, rel=1e-4)


def test_a_word_of_two_tasks_is_met_by_either() -> None:
    taxonomy = Taxonomy((Task("class", ("orange", "apple")), Task("color", ("orange", "red"))))
    found = predictions({"class": [[0.6, 0.4]], "color": [[0.5, 0.5]]}, taxonomy=taxonomy)
    data = dataset(["ceramic_mug"], ["blue"])
    hit = Playground(data, [Source(found)]).by_text("orange").hits[0]
    assert hit.score == pytest.approx(1 - 0.4 * 0.5, rel=1e-4)


def test_every_hit_says_which_head_matched_and_whether_the_truth_agrees() -> None:
    top = ground().by_text("black bottle").hits
    reasons = {hit.row: hit.evidence for hit in top}
    color, kind = reasons[2]
    assert (color.task, color.label, color.predicted, color.truth, color.agrees) == (
        "color",
        "black",
        "blue",
        "blue",
        False,
    )
    assert (kind.task, kind.label, kind.agrees) == ("class", "water_bottle", True)
    assert kind.probability == pytest.approx(0.9, rel=1e-4)
    assert "0.90" in kind.text() and "agrees" in kind.text()


def test_unknown_truth_is_no_verdict() -> None:
    data = dataset(["ceramic_mug", None], ["blue", None])
    found = predictions(
        {
            "class": sure(["ceramic_mug"] * 2, KINDS),
            "color": sure(["blue"] * 2, COLORS),
            "material": sure(["metal"] * 2, MATERIALS),
        }
    )
    hits = Playground(data, [Source(found)]).by_text("blue").hits
    assert [hit.evidence[0].agrees for hit in hits] == [True, None]


def test_which_rows_truly_fit_and_of_which_that_is_known() -> None:
    data = dataset(
        ["ceramic_mug", "ceramic_mug", None, "water_bottle", "ceramic_mug"],
        ["gray", "grey", "gray", None, "blue"],
    )
    lexicon = Lexicon([TAXONOMY])
    expected = {
        "gray mug": ([1, 1, 0, 0, 0], [1, 1, 0, 1, 1]),
        "mug not gray": ([0, 0, 0, 0, 1], [1, 1, 1, 1, 1]),
        "gray": ([1, 1, 1, 0, 0], [1, 1, 1, 0, 1]),
        "gray or blue": ([1, 1, 1, 0, 1], [1, 1, 1, 0, 1]),
        "": ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1]),
    }
    for text, (met, known) in expected.items():
        found = fitting(data, parse(text, lexicon).terms)
        assert [part.astype(int).tolist() for part in found] == [met, known], text


def test_fitting_rows_are_those_that_the_hits_evidence_agrees_with() -> None:
    data, found = drawn(60, 0.7)
    ground = Playground(data, [Source(found)])
    for text in ("black mug", "not black", "metal or leather bottle", "class:backpack color:blue"):
        result = ground.by_text(text, k=60)
        met, known = fitting(data, result.terms)
        assert known.all() and len(result.hits) == 60
        for hit in result.hits:
            assert met[hit.row] == all(item.agrees for item in hit.evidence), text


def test_absent_rows_are_never_found() -> None:
    present = np.asarray([True, False, True, True])
    for method in METHODS:
        assert 1 not in ground(present=present).by_text("black mug", method=method).rows


def test_only_kept_rows_are_found() -> None:
    keep = np.asarray([False, True, False, True])
    assert set(ground().by_text("blue", keep=keep).rows) == {1, 3}


def test_unknown_words_give_no_hits_but_a_reason() -> None:
    result = ground().by_text("jug")
    assert result.hits == ()
    assert any("no label for 'jug'; nearest" in note for note in result.notes)
    both = ground().by_text("jug blue")
    assert both.hits and any("'jug'" in note for note in both.notes)
    assert ground().by_text("zzz", method="tfidf").hits == ()


def test_tfidf_is_scikit_learns() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_similarity

    _, found = drawn(200, 0.7)
    described = Descriptions(Beliefs(found))
    texts = [described.text(row) for row in range(200)]
    vectoriser = TfidfVectorizer(ngram_range=(1, 2))
    matrix = vectoriser.fit_transform(texts)
    queries = ["blue water bottle", "metal dark red travel backpack", "black", "jug"]
    expected = cosine_similarity(vectoriser.transform(queries), matrix)
    for query, row in zip(queries, expected, strict=True):
        np.testing.assert_allclose(described.scores(query), row, atol=1e-5)
    np.testing.assert_allclose(described.table(queries), expected, atol=1e-5)


def test_descriptions_end_with_the_class() -> None:
    described = Descriptions(ground().sources[0].beliefs)
    assert described.text(0) == "blue metal ceramic mug"


def test_two_checkpoints_are_averaged_or_merged_by_rank() -> None:
    one = predictions(
        {"class": [[0.9, 0.1], [0.6, 0.4]]}, taxonomy=Taxonomy((Task("class", ("a1b", "cup")),))
    )
    two = predictions(
        {"class": [[0.2, 0.8], [0.5, 0.5]]}, taxonomy=Taxonomy((Task("class", ("a1b", "cup")),)), name="other"
    )
    data = dataset(["ceramic_mug"] * 2, ["blue"] * 2)
    both = Playground(data, [Source(one), Source(two)])
    averaged = both.by_text("cup")
    assert averaged.rows == (0, 1) or averaged.rows == (1, 0)
    scores = {hit.row: hit.score for hit in averaged.hits}
    assert scores == pytest.approx({0: 0.45, 1: 0.45}, rel=1e-4)
    merged = {hit.row: hit.score for hit in both.by_text("cup", fusion="rrf").hits}
    assert merged == pytest.approx({0: 1 / 62 + 1 / 61, 1: 1 / 61 + 1 / 62}, rel=1e-5)
    assert {item.checkpoint for item in averaged.hits[0].evidence} == {"model", "other"}


def test_a_checkpoint_without_the_label_is_named() -> None:
    small = predictions(
        {"class": [[0.9, 0.1]] * 4}, taxonomy=Taxonomy((Task("class", ("mug", "cup")),)), name="s"
    )
    both = Playground(dataset(KIND, COLOR), [*ground().sources, Source(small)])
    assert any(note.startswith("s has no label for 'blue'") for note in both.by_text("blue mug").notes)


def test_best_is_sorted_and_keeps_the_rows_order_among_ties() -> None:
    random = np.random.default_rng(0)
    for n, k in ((10, 20), (10_000, 7), (200_000, 50)):
        for values in (random.random(n), random.integers(0, 3, n), np.zeros(n)):
            scores = values.astype(np.float32)
            scores[random.random(n) < 0.1] = -np.inf
            expected = [row for row in np.argsort(-scores, kind="stable") if np.isfinite(scores[row])][:k]
            assert best(scores, k).tolist() == expected
    assert len(best(np.zeros(3, dtype=np.float32), 0)) == 0


def test_fusion_shares_the_best_rank_among_ties() -> None:
    scores = np.asarray([3, 1, 1, -np.inf], dtype=np.float32)
    found = reciprocal_rank_fusion([scores])
    assert found[:3] == pytest.approx([1 / 61, 1 / 62, 1 / 62])
    assert np.isneginf(found[3])


def test_one_impossible_term_does_not_silence_the_others() -> None:
    tables = {"class": sure(KIND, KINDS), "color": sure(["black"] * 4, COLORS, 1.0)}
    taxonomy = Taxonomy((Task("class", KINDS), Task("color", COLORS)))
    found = Playground(dataset(KIND, COLOR), [Source(predictions(tables, taxonomy=taxonomy))])
    hits = found.by_text("blue mug").hits
    assert {hit.row for hit in hits[:2]} == {0, 1}
    assert hits[0].score == pytest.approx(FLOOR * 0.9, rel=1e-3)


def test_other_rows_are_refused() -> None:
    with pytest.raises(SelectionError, match="other rows"):
        Playground(dataset(KIND[:2], COLOR[:2]), ground().sources)
