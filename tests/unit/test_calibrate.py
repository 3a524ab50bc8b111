"""Temperatures on a checkpoint's card: fitted on validation images, by command, with figures that follow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.calibrate import calibrate, card_metrics, fit_scalings
from core.data import Dataset, open_dataset
from core.errors import CheckpointError, DataError
from core.evaluation import evaluate
from core.models import Checkpoint, find_checkpoint, read_checkpoint
from core.models.checkpoint import write_card
from core.settings import Settings
from core.store import FeatureStore
from core.store.predictions import Predictions
from tests.store_fakes import Engines, fake_checkpoint
from tests.unit.evaluation_case import small_dataset

LABELS = ("a", "b", "c")


def boastful(tmp_path: Path, splits: list[str]) -> tuple[Checkpoint, Dataset, Predictions]:
    """A head whose logits are three times as large as they should be."""
    random = np.random.default_rng(0)
    n = len(splits)
    logits = random.normal(size=(n, 3)) * 1.5
    table = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (random.random(n)[:, None] > table.cumsum(axis=1)).sum(axis=1)
    dataset = small_dataset({"kind": (LABELS, [LABELS[k] for k in truth])}, splits)
    checkpoint = fake_checkpoint(dataset)
    write_card(tmp_path, checkpoint.card)
    predictions = Predictions(
        dataset_fingerprint=dataset.fingerprint,
        checkpoint_hash=checkpoint.hash,
        checkpoint_name=checkpoint.name,
        taxonomy=checkpoint.taxonomy,
        present=np.ones(n, dtype=bool),
        logits={"kind": (3 * logits).astype(np.float32)},
    )
    return read_checkpoint(tmp_path), dataset, predictions


def test_the_card_gets_the_temperature_and_where_it_comes_from(tmp_path: Path) -> None:
    checkpoint, dataset, predictions = boastful(tmp_path, ["val"] * 1500 + ["test"] * 1500)
    found = calibrate(checkpoint, dataset, predictions)
    card = read_checkpoint(tmp_path).card
    assert card.temperature["kind"] == pytest.approx(3.0, rel=0.1)
    assert card.temperature == {one.task: one.temperature for one in found.scalings}
    assert card.calibration is not None
    assert (card.calibration.split, card.calibration.images) == ("val", {"kind": 1500})
    assert card.sha256 == checkpoint.hash
    assert calibrate(found.checkpoint, dataset, predictions).checkpoint.card.temperature == card.temperature
    assert found.to_json()["tasks"]["kind"]["gain"]["low"] > 0


def test_the_cards_figures_follow_the_temperature(tmp_path: Path) -> None:
    checkpoint, dataset, predictions = boastful(tmp_path, ["val"] * 300 + ["test"] * 300)
    metrics = card_metrics((evaluate(dataset, predictions, "test"),))
    changes = {"metrics": metrics, "data": {"name": "x", "fingerprint": dataset.fingerprint, "splits": {}}}
    card = type(checkpoint.card).model_validate({**checkpoint.card.model_dump(mode="json"), **changes})
    write_card(tmp_path, card)
    after = calibrate(read_checkpoint(tmp_path), dataset, predictions).checkpoint.card.metrics["test"]["kind"]
    assert after["log_loss"].value < metrics["test"]["kind"]["log_loss"].value
    assert after["accuracy"] == metrics["test"]["kind"]["accuracy"]


def test_without_validation_images_it_is_refused(tmp_path: Path) -> None:
    checkpoint, dataset, predictions = boastful(tmp_path, ["train"] * 40 + ["test"] * 40)
    assert fit_scalings(dataset, predictions) == ()
    with pytest.raises(DataError, match="No temperature can be fitted"):
        calibrate(checkpoint, dataset, predictions)
    assert read_checkpoint(tmp_path).card.temperature == {}


def test_a_card_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint, dataset, predictions = boastful(tmp_path, ["val"] * 40)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.models.checkpoint.write_card", full)
    with pytest.raises(CheckpointError, match="cannot be written"):
        calibrate(checkpoint, dataset, predictions)
    assert read_checkpoint(tmp_path).card.temperature == {}


def test_the_command_writes_and_search_and_evaluation_use_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(settings.data[0])
    write_card(settings.checkpoints[0] / "fake", fake_checkpoint(dataset).card)
    for name, value in (
        ("DATA", settings.data[0]),
        ("CACHE", settings.cache),
        ("CHECKPOINTS", settings.checkpoints[0]),
    ):
        monkeypatch.setenv(f"VITRINE_{name}", str(value))
    engines = Engines(monkeypatch)
    assert main(["calibrate", "--checkpoint", "fake", "--dry-run"]) == 0
    assert "was left as it is" in capsys.readouterr().out
    assert find_checkpoint(settings, "fake").card.temperature == {}
    assert main(["calibrate", "--checkpoint", "fake", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    card = find_checkpoint(settings, "fake").card
    assert found["written"] and set(found["tasks"]) == set(dataset.taxonomy.names) == set(card.temperature)
    for task, one in found["tasks"].items():
        assert card.temperature[task] == one["temperature"] != 1.0
        assert {"ece", "log_loss"} <= set(one["before"]) and one["after"]["ece"]["n"] > 0
    predictions = FeatureStore(settings.cache).predictions(dataset, find_checkpoint(settings, "fake"))
    task = dataset.taxonomy.primary.name
    table = predictions.logits[task] / card.temperature[task]
    expected = np.exp(table - table.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        predictions.probabilities(task), expected / expected.sum(axis=1, keepdims=True), atol=1e-5
    )
    assert len(engines.opened) == 1  # neither the second run nor the temperature indexed anything again
