"""The command line: commands are found, run, and tell errors as title, cause and fix."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.__main__ import FAILED, commands, main
from core.data import open_dataset
from core.models.checkpoint import write_card
from core.settings import HOME, Settings
from core.store import FeatureStore
from tests.store_fakes import Engines, fake_checkpoint


@pytest.fixture
def engines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """The placeholder and a checkpoint called "fake", as the environment names them."""
    checkpoint = fake_checkpoint(open_dataset(settings.data[0]))
    write_card(settings.checkpoints[0] / "fake", checkpoint.card)
    monkeypatch.setenv("VITRINE_DATA", str(settings.data[0]))
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(settings.checkpoints[0]))
    return Engines(monkeypatch)


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main([*arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_every_command_is_offered() -> None:
    names = [command.NAME for command in commands()]
    assert {"index", "evaluate", "validate", "placeholder", "cache"} <= set(names)
    assert names == sorted(set(names))
    for command in commands():
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        assert command.HELP and "--json" in parser.format_help(), command.NAME


def test_index_then_evaluate(
    engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    indexed = run_json(capsys, "index", "--checkpoint", "fake")
    assert (indexed["done"], indexed["failed"], indexed["pending"]) == (indexed["total"], 0, 0)
    assert indexed["engine"] == "torch"
    found = run_json(capsys, "evaluate", "--checkpoint", "fake", "--split", "test")
    assert len(engines.opened) == 1
    dataset = open_dataset(settings.data[0])
    assert found["n"] == int(dataset.split_mask("test").sum())
    tasks = found["tasks"]
    assert isinstance(tasks, dict) and list(tasks) == list(dataset.taxonomy.names)
    head = tasks[dataset.taxonomy.primary.name]
    assert {"accuracy", "macro_f1", "weighted_f1", "per_class", "confusion", "labels"} <= set(head)
    predictions = FeatureStore(settings.cache).predictions(dataset, fake_checkpoint(dataset))
    task, rows = dataset.taxonomy.primary.name, dataset.split_mask("test")
    right = (predictions.logits[task].argmax(1) == dataset.codes(task))[rows].mean()
    assert head["accuracy"]["value"] == pytest.approx(right)
    assert head["accuracy"]["low"] <= right <= head["accuracy"]["high"]


def test_evaluate_indexes_first(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--checkpoint", "fake", "--split", "all"]) == 0
    assert "accuracy" in capsys.readouterr().out and len(engines.opened) == 1


def test_a_folder_names_a_checkpoint_and_a_data_set(
    engines: Engines, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(settings.checkpoints[0] / "fake")
    found = run_json(capsys, "index", "--checkpoint", folder, "--data", str(settings.data[0]))
    assert found["checkpoint"] == "fake"


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "--checkpoint", "nothing"],
        ["evaluate", "--checkpoint", "fake", "--split", "nothing"],
        ["index", "--checkpoint", "fake", "--data", "/nothing"],
        ["cache", "--prune", "nothing"],
    ],
)
def test_refusals_are_told_without_a_traceback(
    arguments: list[str], engines: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == FAILED
    told = capsys.readouterr()
    assert "nothing" in told.err and len(told.err.strip().splitlines()) >= 2
    assert "Traceback" not in told.err and told.out == ""
    assert engines.opened == []


def test_the_cache_is_listed_and_pruned(engines: Engines, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "--checkpoint", "fake"])
    capsys.readouterr()
    folders = run_json(capsys, "cache")["folders"]
    assert isinstance(folders, list)
    (features,) = (one for one in folders if one["checkpoint"] == "fake")
    assert features["images"] == 48 and features["bytes"] > 48 * 192 * 2
    assert [one["note"] for one in folders if one is not features] == ["thumbnails"]
    left = run_json(capsys, "cache", "--prune", features["key"])
    assert left["freed"] == features["bytes"] and features not in list(left["folders"])  # type: ignore[call-overload]
    assert main(["cache"]) == 0
    assert "thumbnails" in capsys.readouterr().out


def test_help_costs_little(tmp_path: Path) -> None:
    code = "import sys, core.__main__ as m; m.make_parser(); print({'torch', 'lancedb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, timeout=200)
    assert done.stdout.strip() == "set()", done.stderr
