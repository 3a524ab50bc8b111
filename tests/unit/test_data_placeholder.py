"""The placeholder data set, and the two commands."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from types import ModuleType

import pytest

from core.cli import placeholder, validate
from core.data import open_dataset
from core.data.placeholder import draw_placeholder
from core.errors import DataError


def run(command: ModuleType, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return int(command.run(parser.parse_args(arguments)))


def test_the_placeholder_is_sound(placeholder_root: Path) -> None:
    dataset = open_dataset(placeholder_root)
    assert dataset.report.problems == ()
    assert [(task.name, len(task.labels)) for task in dataset.taxonomy.tasks] == [
        ("class", 4),
        ("color", 4),
        ("size", 2),
    ]
    assert dataset.table["split"].value_counts().to_dict() == {"train": 24, "val": 12, "test": 12}
    assert (len(set(dataset.instances.tolist())), dataset.table["sha"].nunique()) == (16, 48)
    assert (dataset.codes("size") == -1).sum() == 4


def test_it_is_drawn_alike_each_time(placeholder_root: Path, tmp_path: Path) -> None:
    again = draw_placeholder(tmp_path / "again")
    names = sorted(path.relative_to(again) for path in again.rglob("*.*"))
    assert len(names) == 51
    assert all((again / name).read_bytes() == (placeholder_root / name).read_bytes() for name in names)


def test_the_command_never_draws_over_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(placeholder, "--out", str(out)) == 0
    assert run(placeholder, "--out", str(out), "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"out": str(out)}
    (out / "README.md").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        run(placeholder, "--out", str(out))
    with pytest.raises(DataError, match="not empty"):
        run(placeholder, "--out", str(out / "README.md"))


def test_validate_reports_and_tells_by_its_code(
    placeholder_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    assert run(validate, "--data", str(placeholder_root), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["usable"], told["quarantined"], told["instances"]) == (48, 48, 0, 16)
    assert told["splits"] == {"train": 24, "val": 12, "test": 12}
    assert told["tasks"]["size"] == {"labels": ["large", "small"], "labelled": 44}
    root = draw_placeholder(tmp_path / "damaged")
    (root / "images" / "circle_1_1.jpg").write_bytes(b"")
    (root / "vitrine.toml").write_text('name = "\\u001b[31mred"')
    monkeypatch.setenv("VITRINE_DATA", str(root))
    assert run(validate, "--no-cache") == 1
    text = capsys.readouterr().out
    assert "47 of 48 rows usable, 1 left out" in text
    assert "LEFT OUT [unreadable_image] Line " in text
    assert "\x1b" not in text and "[31mred" in text
