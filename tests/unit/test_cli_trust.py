"""The commands audit and compare: documented keys, checkpoints chosen, refusals told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.__main__ import main
from core.cli.audit import choose
from core.data import open_dataset
from core.errors import CheckpointError
from core.models.checkpoint import write_card
from core.settings import Settings
from tests.store_fakes import Engines, fake_checkpoint


@pytest.fixture
def engines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """The placeholder and two checkpoints, "fake" and "other"."""
    card = fake_checkpoint(open_dataset(settings.data[0])).card
    write_card(settings.checkpoints[0] / "fake", card)
    other = card.model_copy(update={"name": "other", "sha256": "e" * 64, "recipe": {"backbone": "frozen"}})
    write_card(settings.checkpoints[0] / "other", other)
    monkeypatch.setenv("VITRINE_DATA", str(settings.data[0]))
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(settings.checkpoints[0]))
    return Engines(monkeypatch)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_audit_prints_the_documented_keys(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "audit", "--checkpoint", "fake")
    keys = {
        "label_issues",
        "near_duplicates",
        "leaking_instances",
        "quarantined",
        "synonyms",
        "learnability",
        "slices",
    }
    assert keys <= set(found)
    assert set(found["label_issues"]) >= set(found["learnability"])
    for one in found["learnability"].values():
        assert one["verdict"] in {"learnable", "weak", "not learnable"}
    assert main(["audit"]) == 0
    assert "judged by the features of other" in capsys.readouterr().out


def test_a_frozen_backbone_judges_before_a_trained_one(engines: Engines, settings: Settings) -> None:
    dataset = open_dataset(settings.data[0])
    assert choose(settings, dataset, None).name == "other"
    assert choose(settings, dataset, "fake").name == "fake"
    with pytest.raises(CheckpointError, match="no features to audit with"):
        choose(replace(settings, checkpoints=(settings.cache,)), dataset, None)


def test_compare_prints_the_documented_keys(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "compare", "--checkpoints", "fake,other", "--split", "all")
    keys = {"a", "b", "task", "difference", "low", "high", "mcnemar_p", "verdict"}
    assert found["pairs"] and all(keys <= set(pair) for pair in found["pairs"])
    first = found["pairs"][0]
    assert (first["a"], first["b"], first["difference"], first["verdict"]) == (
        "fake",
        "other",
        0.0,
        "undecided",
    )
    assert [place["rank"] for place in found["leaderboard"][first["task"]]] == [1, 1]
    assert "ensemble" not in found
    for weights in ("equal", "fitted"):
        joined = run_json(capsys, "compare", "--checkpoints", "fake,other", "--ensemble", weights)["ensemble"]
        assert set(joined) == set(found["leaderboard"])
        assert sum(joined[first["task"]]["weights"].values()) == pytest.approx(1)
        assert joined[first["task"]]["gain"]["difference"] == 0.0
    assert main(["compare", "--checkpoints", "fake,other"]) == 0
    assert "are level on" in capsys.readouterr().out


@pytest.mark.parametrize("names", ["fake", "fake,fake", "fake,nothing", ","])
def test_too_few_checkpoints_are_refused(
    names: str, engines: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--checkpoints", names]) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err and told.err.strip()
