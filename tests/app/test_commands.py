"""The commands that pages start are accepted by the programs they name."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.__main__ import make_parser
from core.data import open_dataset
from core.models import find_checkpoint
from core.projection import Parameters
from core.settings import Settings
from pages.ui import audit_run, empty, explorer_maps, overview_report
from tests.dashboard import Place
from training.__main__ import main as training_main


@pytest.fixture
def view(place: Place) -> Any:
    settings = Settings.from_environment(place.environment)
    return SimpleNamespace(
        settings=settings,
        dataset=open_dataset(place.data, cache=place.cache),
        checkpoint=find_checkpoint(settings, "synthetic-2"),
    )


def accepted(argv: list[str]) -> str:
    """The name of the command of `python -m core` that takes these arguments; exits where none does."""
    assert argv[:2] == ["-m", "core"]
    return str(make_parser().parse_args(argv[2:]).command.NAME)


def test_reports(view: Any, tmp_path: Path) -> None:
    view.selection = SimpleNamespace(split="all")
    argv = overview_report.report_argv(view, [view.checkpoint], tmp_path / "report.html")
    assert accepted(argv) == "report"


def test_features_and_audits_and_maps(view: Any) -> None:
    assert accepted(empty.index_argv(view.dataset, view.checkpoint)) == "index"
    assert accepted(audit_run.audit_argv(view, view.checkpoint)) == "audit"
    for method in ("pca", "umap", "tsne"):
        argv = explorer_maps.argv(view, Parameters(method=method), stability=True)
        assert accepted(argv) == "project"


def test_the_quick_model(view: Any, capsys: pytest.CaptureFixture[str]) -> None:
    argv = empty.train_argv(view.dataset, "model")
    assert argv[:2] == ["-m", "training"]
    with pytest.raises(SystemExit) as end:
        training_main([*argv[2:], "--help"])
    assert end.value.code == 0
    with pytest.raises(SystemExit) as refused:
        training_main([*argv[2:], "--no-such-option"])
    assert refused.value.code == 2
    assert "unrecognized arguments: --no-such-option\n" in capsys.readouterr().err
