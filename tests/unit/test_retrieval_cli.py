"""`search` and `retrieval-report` on the command line: their keys, their refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from core.__main__ import FAILED, main
from core.data import open_dataset
from core.models.checkpoint import write_card
from core.settings import HOME, Settings
from core.store import FeatureStore
from tests.store_fakes import Engines, FakeEngine, fake_checkpoint, small_pixels


@pytest.fixture
def engines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """The placeholder with two checkpoints, one and two, as the environment names them."""
    dataset = open_dataset(settings.data[0])
    for name, digit in (("one", "a"), ("two", "b")):
        write_card(settings.checkpoints[0] / name, fake_checkpoint(dataset, name, digit).card)
    monkeypatch.setenv("VITRINE_DATA", str(settings.data[0]))
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(settings.checkpoints[0]))
    return Engines(monkeypatch)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_search_by_text(engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "search", "--checkpoint", "one", "--text", "red circle", "-k", "5")
    assert found["query"] == "red circle" and found["method"] == "probability"
    hits = found["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4, 5]
    assert {"query", "method", "hits"} <= set(found)
    keys = {"rank", "image_id", "path", "score", "predicted", "truth", "explanation"}
    assert all(keys <= set(hit) for hit in hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    dataset = open_dataset(settings.data[0])
    assert set(hits[0]["predicted"]) == set(dataset.taxonomy.names) == set(hits[0]["truth"])
    checkpoint = fake_checkpoint(dataset, "one", "a")
    predictions = FeatureStore(settings.cache).predictions(dataset, checkpoint)
    row = int((dataset.table["image_id"] == hits[0]["image_id"]).to_numpy().nonzero()[0][0])
    for item in hits[0]["explanation"]:
        labels = dataset.taxonomy[item["task"]].labels
        stored = predictions.probabilities(item["task"])[row, labels.index(item["label"])]
        assert item["probability"] == pytest.approx(float(stored), abs=1e-5)
        assert item["agrees"] is (hits[0]["truth"][item["task"]] == item["label"])


def test_search_by_image_of_the_data_set(
    engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(open_dataset(settings.data[0]).table["path"].iat[7])
    found = run_json(capsys, "search", "--checkpoint", "one", "--image", path, "-k", "3")
    assert found["method"] == "image" and len(found["hits"]) == 3
    assert found["query"] == path == found["image"]
    assert {"rank", "image_id", "path", "score", "predicted", "truth", "explanation"} <= set(found["hits"][0])
    assert path not in {hit["path"] for hit in found["hits"]}
    both = run_json(capsys, "search", "--checkpoint", "one", "--image", path, "--text", "red", "--hide-same")
    assert both["method"] == "text + image" and both["hits"][0]["explanation"]


def test_search_by_a_file(
    engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = open_dataset(settings.data[0])

    def predict_one(checkpoint: Any, data: bytes, **_: Any) -> Any:
        engine = FakeEngine(checkpoint)
        return {}, engine.run(small_pixels(data, checkpoint.card.preprocessing)[None]).embeddings[0]

    monkeypatch.setattr("core.inference.single.predict_one", predict_one)
    found = run_json(capsys, "search", "--checkpoint", "one", "--image", str(dataset.file(9)), "-k", "1")
    assert found["hits"][0]["path"] == dataset.table["path"].iat[9]
    assert found["hits"][0]["cosine"] == pytest.approx(1.0, abs=1e-3)


def test_an_unknown_word_is_no_failure_but_a_note(
    engines: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_json(capsys, "search", "--checkpoint", "one", "--text", "jug")
    assert found["hits"] == []
    assert any("no label for 'jug'; nearest: " in note for note in found["notes"])


def test_two_checkpoints_are_merged(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--checkpoint", "one", "--checkpoint", "two"]
    found = run_json(capsys, "search", *names, "--text", "red", "--fusion", "rrf")
    assert found["method"] == "probability, rrf"
    assert {item["checkpoint"] for item in found["hits"][0]["explanation"]} == {"one", "two"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--text", "red", "-k", "0"],
        ["--text", "red", "--weight", "2"],
        ["--text", "red", "--split", "nowhere"],
        ["--image", "/no/such/file.jpg"],
    ],
)
def test_what_cannot_be_searched_is_refused(
    engines: Engines, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["search", "--checkpoint", "one", *arguments]) == FAILED
    assert capsys.readouterr().err.strip()


def test_report(engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "retrieval-report", "--checkpoint", "one", "--split", "all")
    whole = {"data", "split", "images", "queries", "k", "types", "scores", "comparisons", "by_image", "worst"}
    assert whole <= set(found) and found["checkpoints"] == ["one"]
    pairs = {(c["a"]["method"], c["b"]["method"]) for c in found["comparisons"]}
    assert ("probability", "tfidf") in pairs
    methods = {(score["type"], score["method"]) for score in found["scores"]}
    assert {("all", "tfidf"), ("all", "probability"), ("all", "fused"), ("all", "chance")} <= methods
    for score in found["scores"]:
        for name in ("map", "ndcg", "precision", "recall"):
            assert 0 <= score[name]["low"] <= score[name]["value"] <= score[name]["high"] <= 1
    assert found["queries"] == sum(found["types"].values())
    assert found["images"] == len(open_dataset(settings.data[0]))
    assert all(0 <= comparison["p_holm"] <= 1 for comparison in found["comparisons"])


def test_report_as_text(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retrieval-report", "--checkpoint", "one", "--checkpoint", "two", "--worst", "2"]) == 0
    said = capsys.readouterr().out
    assert "one + two average" in said and said.count("worst:") == 2


def test_importing_loads_no_heavy_library() -> None:
    code = (
        "import sys, core.retrieval;"
        "print(sorted({'torch', 'faiss', 'sklearn', 'streamlit', 'umap', 'lancedb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, timeout=200)
    assert done.stdout.strip() == "[]", done.stderr
