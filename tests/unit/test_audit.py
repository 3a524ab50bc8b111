"""The audit finds what was planted and keeps quiet where nothing was."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.audit import audit
from core.audit.balance import balance, synonyms
from core.audit.crossval import out_of_sample
from core.audit.duplicates import near_duplicates
from core.audit.features import features
from core.audit.labels import label_issues
from core.audit.leakage import leak_effect, leaked_rows, leaking_instances
from core.audit.learnability import learnability, trained
from core.audit.looks import hamming, looks
from core.audit.neighbours import Neighbours, neighbours
from core.audit.outliers import outliers
from core.audit.permutation import permutation_p
from core.audit.quality import poor_images
from core.errors import Cancelled, StoreError
from tests.unit.audit_case import CLASSES, Shelf, brighter, cropped, jpeg, picture, planted
from tests.unit.evaluation_case import of_codes, small_dataset


@pytest.fixture(scope="module")
def found():
    dataset, embeddings, truth = planted()
    shelf = Shelf(dataset)
    result = audit(dataset, embeddings, np.ones(len(dataset), dtype=bool), shelf)
    return dataset, result, truth


def test_wrong_labels_come_first(found) -> None:
    _, result, truth = found
    queue = [issue.row for issue in result.label_issues["kind"][:15]]
    assert len(set(queue) & set(truth["wrong"])) >= 9
    assert all(issue.given != issue.suggested for issue in result.label_issues["kind"])
    scores = [issue.score for issue in result.label_issues["kind"]]
    assert scores == sorted(scores)
    assert set(truth["wrong"]) & {i.row for i in result.label_issues["kind"] if i.flagged}


def test_heads_that_follow_the_pixels_are_learnable_and_others_are_not(found) -> None:
    _, result, _ = found
    assert {task: one.verdict for task, one in result.learnability.items()} == {
        "kind": "learnable",
        "colour": "learnable",
        "mood": "not learnable",
    }
    assert result.learnability["mood"].permutation_p > 0.05
    assert result.learnability["kind"].permutation_p == pytest.approx(0.002)
    assert "do not follow the pixels" in result.learnability["mood"].sentence


def test_objects_in_two_splits_are_named(found) -> None:
    dataset, result, truth = found
    assert [one.instance_id for one in result.leaking_instances] == [
        f"thing {k:02d}" for k in truth["leaking"]
    ]
    assert all(len(one.splits) == 2 and len(one.rows) == 5 for one in result.leaking_instances)
    expected = set()
    order = {"train": 0, "val": 1, "test": 2}
    for one in result.leaking_instances:
        place = {row: order[dataset.table["split"][row]] for row in one.rows}
        expected |= {row for row, where in place.items() if where > min(place.values())}
    assert set(np.flatnonzero(result.leaked)) == expected


def test_pictures_of_their_own_are_no_duplicates(found) -> None:
    _, result, _ = found
    assert result.near_duplicates == () and result.poor_images == () and result.synonyms == ()
    assert not [one for one in result.slices if one.q < 0.01]


def test_json_has_the_documented_keys(found) -> None:
    dataset, result, _ = found
    value = json.loads(json.dumps(result.to_json(dataset), allow_nan=False))
    keys = {
        "label_issues",
        "near_duplicates",
        "leaking_instances",
        "quarantined",
        "synonyms",
        "learnability",
        "slices",
    }
    assert keys <= set(value)
    assert {"path", "given", "suggested", "score"} <= set(value["label_issues"]["kind"][0])
    assert {"verdict", "accuracy", "majority", "permutation_p", "knn"} <= set(value["learnability"]["kind"])
    assert {"instance_id", "splits"} <= set(value["leaking_instances"][0])


def test_audit_can_be_cancelled() -> None:
    dataset, embeddings, _ = planted()

    def stop(done: int, total: int, note: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        audit(dataset, embeddings, np.ones(len(dataset), dtype=bool), Shelf(dataset), progress=stop)


def test_images_without_features_are_left_out() -> None:
    dataset, embeddings, _ = planted()
    present = np.arange(len(dataset)) % 7 != 0
    embeddings[~present] = np.nan
    result = audit(dataset, embeddings, present, Shelf(dataset))
    assert result.learnability["kind"].accuracy.n == present.sum()
    assert all(present[issue.row] for issue in result.label_issues["kind"])
    with pytest.raises(StoreError, match="nothing to audit"):
        features(embeddings, np.zeros(len(dataset), dtype=bool))
    with pytest.raises(StoreError, match="not numbers"):
        features(embeddings, np.ones(len(dataset), dtype=bool))


def copies() -> tuple:
    """12 rows: 8, 9, 10 (test) are changed copies of 0, 1, 2 (train), 11 (train) of 3 (train)."""
    dataset = small_dataset({"kind": (("a",), ["a"] * 12)}, ["train"] * 8 + ["test"] * 3 + ["train"])
    shelf = Shelf(dataset)
    for row, image in (
        (8, picture(0)),
        (9, cropped(picture(1))),
        (10, brighter(picture(2))),
        (11, picture(3)),
    ):
        shelf.put(row, image, quality=70)
    none = Neighbours(np.zeros((12, 0), dtype=np.int64), np.zeros((12, 0), dtype=np.float32))
    near = Neighbours(
        np.array([[8], [9], [10], [11], [5], [4], [7], [6], [0], [1], [2], [3]]),
        np.full((12, 1), 0.9, np.float32),
    )
    return dataset, shelf, none, near


def test_copies_are_found_where_features_or_hashes_propose_them() -> None:
    dataset, shelf, none, near = copies()
    seen = looks(dataset, shelf)
    pairs = near_duplicates(dataset, np.arange(12), near, seen, shelf)
    assert {(pair.row, pair.other) for pair in pairs} == {(8, 0), (9, 1), (10, 2), (11, 3)}
    assert [pair.crosses for pair in pairs] == [True, True, True, False]
    assert all(pair.similarity >= 0.97 and not pair.exact for pair in pairs)
    by_hash = near_duplicates(dataset, np.arange(12), none, seen, shelf)
    assert {(8, 0), (10, 2), (11, 3)} <= {(pair.row, pair.other) for pair in by_hash}
    assert np.flatnonzero(leaked_rows(dataset, (), pairs)).tolist() == [8, 9, 10]


def test_identical_files_are_exact_duplicates() -> None:
    dataset, shelf, none, _ = copies()
    dataset.table.loc[8, "sha"] = dataset.table.loc[0, "sha"]
    pairs = near_duplicates(dataset, np.arange(12), none, looks(dataset, shelf), shelf)
    assert (pairs[0].row, pairs[0].other, pairs[0].similarity, pairs[0].exact) == (8, 0, 1.0, True)


def test_hashes_change_little_under_small_changes() -> None:
    dataset, shelf, _, _ = copies()
    seen = looks(dataset, shelf)
    assert hamming(seen.hash[8:9], seen.hash[0:1])[0] <= 4
    assert hamming(seen.hash[4:5], seen.hash[5:6])[0] > 12


def test_poor_images_are_named() -> None:
    dataset = small_dataset({"kind": (("a",), ["a"] * 40)}, ["train"] * 40)
    shelf = Shelf(dataset)
    shelf.put(3, picture(3).point(lambda value: value // 16))
    shelf.put(5, picture(5).filter(ImageFilter.GaussianBlur(6)))
    shelf.put(9, Image.new("RGB", (96, 96), (120, 120, 120)))
    dataset.table.loc[11, ["width", "height"]] = [640, 20]
    faults = {(one.row, one.fault) for one in poor_images(dataset, looks(dataset, shelf))}
    assert {(3, "dark"), (5, "blurred"), (9, "low contrast"), (11, "odd size")} <= faults
    assert {row for row, _ in faults} == {3, 5, 9, 11}


def test_missing_thumbnails_are_no_fault() -> None:
    dataset = small_dataset({"kind": (("a",), ["a"] * 12)}, ["train"] * 12)
    shelf = Shelf(dataset)
    shelf.images.pop(shelf.shas[4])
    seen = looks(dataset, shelf)
    assert seen.seen.sum() == 11 and np.isnan(seen.brightness[4])
    assert all(one.row != 4 for one in poor_images(dataset, seen))


def test_an_image_like_no_other_is_an_outlier() -> None:
    random = np.random.default_rng(0)
    table = (
        random.normal(size=(200, 16)).astype(np.float32)
        + 4 * np.eye(16, dtype=np.float32)[random.integers(0, 3, 200)]
    )
    table[17] = 30 * np.eye(16, dtype=np.float32)[15]
    part = features(table, np.ones(200, dtype=bool))
    worst = outliers(part.rows, neighbours(part, 5))
    assert worst[0].row == 17 and worst[0].flagged


def test_neighbours_leave_out_the_own_object() -> None:
    random = np.random.default_rng(0)
    part = features(random.normal(size=(50, 8)).astype(np.float32), np.ones(50, dtype=bool))
    groups = np.arange(50) // 5
    near = neighbours(part, 4, groups)
    assert (groups[near.index] != groups[:, None]).all()
    assert (np.diff(near.cosine, axis=1) <= 1e-6).all()
    alone = neighbours(part, 60)
    assert alone.index.shape == (50, 49) and (alone.index != np.arange(50)[:, None]).all()


def test_probes_judge_objects_they_have_not_seen() -> None:
    """Labels drawn per object are learnt by heart from its other photographs, but not from other objects."""
    random = np.random.default_rng(0)
    objects = np.repeat(np.arange(40), 5)
    table = 4 * (random.normal(size=(40, 32))[objects] + 0.1 * random.normal(size=(200, 32))).astype(
        np.float32
    )
    codes = random.integers(0, 2, 40)[objects].astype(np.int32)
    by_image = out_of_sample(table, codes, 2).argmax(axis=1) == codes
    by_object = out_of_sample(table, codes, 2, objects).argmax(axis=1) == codes
    assert by_image.mean() > 0.9 > 0.65 > by_object.mean()


def test_probabilities_are_complete_for_odd_labels() -> None:
    table = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    codes = np.r_[np.zeros(30), np.ones(26), 2, -1, -1, -1].astype(np.int32)
    found = out_of_sample(table, codes, 4)
    assert found.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-5)
    single = out_of_sample(table, np.zeros(60, dtype=np.int32), 3)
    assert (single == np.array([1, 0, 0])).all()


def test_two_spellings_are_no_label_issue() -> None:
    labels = ("gray", "grey", "red")
    codes = np.array([0] * 10 + [1] * 5 + [2] * 10, dtype=np.int32)
    table = np.zeros((25, 3), dtype=np.float32)
    table[:15, 0] = 0.9
    table[:15, 2] = 0.1
    table[15:, 2] = 0.9
    table[15:, 0] = 0.1
    table[24] = [0.95, 0.0, 0.05]
    issues = label_issues(np.arange(25), codes, labels, table)
    assert [(issue.row, issue.given, issue.suggested) for issue in issues] == [(24, "red", "gray")]


def test_learnability_needs_labels_to_judge() -> None:
    part = features(np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), np.ones(30, dtype=bool))
    one = np.zeros(30, dtype=np.int32)
    assert learnability("kind", part, one, np.ones((30, 1), dtype=np.float32), None) is None
    few = np.full(30, -1, dtype=np.int32)
    few[:6] = [0, 1] * 3
    assert learnability("kind", part, few, np.full((30, 2), 0.5, dtype=np.float32), None) is None


def test_scores_without_the_leaked_rows() -> None:
    dataset = small_dataset(
        {"kind": (("a", "b"), ["a"] * 8)},
        ["train", "train", *["test"] * 6],
        ["x", "y", "x", "x", "z", "z", "w", "w"],
    )
    found = of_codes([0] * 8, [0, 0, 0, 0, 0, 1, 1, 0], ("a", "b"), dataset.instances)
    leaked = leaked_rows(dataset, leaking_instances(dataset), ())
    effect = leak_effect(dataset, found, leaked, "test")
    assert effect.leaked == 2
    assert effect.with_leaks.value == pytest.approx(4 / 6)
    assert effect.without_leaks.value == pytest.approx(2 / 4)


def test_balance_and_synonyms() -> None:
    dataset = small_dataset(
        {"tint": (("gray", "grey", "red"), ["gray"] * 20 + ["grey"] * 2 + ["red"] * 2 + [None])},
        ["train"] * 22 + ["test"] * 3,
    )
    found = balance(dataset, "tint")
    assert found.counts == {"gray": 20, "grey": 2, "red": 2}
    assert found.imbalanced and found.missing == 1 and found.unseen == ("red",)
    assert 1 < found.effective < 3
    (pair,) = synonyms(dataset)
    assert pair.labels == ("gray", "grey") and pair.counts == (20, 2)


def test_pictures_are_drawn_as_jpeg() -> None:
    assert jpeg(picture(0))[:2] == b"\xff\xd8"


def test_shuffled_labels_do_as_well_only_where_labels_say_nothing() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    codes = (np.arange(30) % 3)[groups].astype(np.int32)
    noise = random.normal(size=(120, 10)).astype(np.float32)
    clear = noise + 3 * np.eye(10, dtype=np.float32)[codes]
    assert permutation_p(clear, codes, groups, 99) == pytest.approx(0.01)
    found = [
        permutation_p(random.normal(size=(120, 10)).astype(np.float32), codes, groups, 49) for _ in range(20)
    ]
    assert np.mean(np.array(found) <= 0.1) <= 0.3
    assert permutation_p(clear, codes, groups // 10, 49) == 1.0


def test_photographs_of_one_object_are_no_evidence_of_learnability() -> None:
    """Features name the object, labels are drawn per object: shuffled image by image they would look
    learnable."""
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(40), 5)
    table = (3 * random.normal(size=(40, 20))[groups] + 0.1 * random.normal(size=(200, 20))).astype(
        np.float32
    )
    codes = random.integers(0, 2, 40)[groups].astype(np.int32)
    assert permutation_p(table, codes, groups, 99) > 0.05


def test_a_trained_head_counts_for_learnability() -> None:
    dataset, embeddings, _ = planted()
    part = features(embeddings, np.ones(300, dtype=bool))
    codes, objects = dataset.codes("kind"), dataset.instances
    blind = np.full((300, 5), 0.2, dtype=np.float32)
    random = np.random.default_rng(0)
    wrong = random.random(300) < 0.01
    head = of_codes(codes, np.where(wrong, (codes + 1) % 5, codes), CLASSES, objects)
    train = np.arange(300) < 200
    model = trained(head, train, ~train)
    assert model is not None and model.accuracy.n == 100 and model.gain.low > 0.5
    alone, helped = (learnability("kind", part, codes, blind, objects, given) for given in (None, model))
    assert alone is not None and helped is not None
    assert helped.model == model and helped.skill > alone.skill and helped.verdict == "learnable"
    assert helped.to_json()["model"] == model.accuracy.value and alone.to_json()["model"] is None
    assert "a trained head has" in helped.sentence
    assert trained(head, train, np.zeros(300, dtype=bool)) is None


def test_a_head_that_names_the_commonest_label_is_no_evidence() -> None:
    """Its accuracy where that label happens to be frequent is above the majority of all images."""
    dataset, embeddings, _ = planted()
    noise = np.random.default_rng(1).normal(size=embeddings.shape).astype(np.float32)
    part = features(noise, np.ones(300, dtype=bool))
    codes, objects = dataset.codes("mood"), dataset.instances
    fitted = np.arange(300) < 150
    common = int(np.bincount(codes[fitted]).argmax())
    lucky = ~fitted & (codes == common)
    head = of_codes(codes, np.full(300, common), ("calm", "gay"), objects)
    model = trained(head, fitted, lucky)
    assert model is not None and model.accuracy.value == model.constant == 1.0 and model.gain.low <= 0
    blind = np.full((300, 2), 0.5, dtype=np.float32)
    found = learnability("mood", part, codes, blind, objects, model)
    assert found is not None and found.verdict == "not learnable"
