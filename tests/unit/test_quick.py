from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data import Dataset, open_dataset
from core.errors import Cancelled, RecipeError
from core.evaluation import evaluate
from core.models import find_checkpoint, load_network, read_checkpoint
from core.settings import Settings
from core.store import FeatureStore
from tests.model_case import make_network
from training.__main__ import main
from training.quick import QuickResult, quick
from training.quick_features import Features, Further
from training.quick_heads import HeadSettings, fit_heads
from training.quick_report import as_json, as_table
from training.terminal import progress_bar

FEW = HeadSettings(epochs=12, weight_decays=(0.01,))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick") / "cache"


@pytest.fixture(scope="module")
def drawn(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture(scope="module")
def result(drawn: Dataset, cache: Path) -> QuickResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_CACHE", str(cache))
        return quick(drawn, "first", cache.parent / "checkpoints", cache=cache, seed=3, settings=FEW)


def test_the_checkpoint_has_every_task_and_says_how_it_was_made(result: QuickResult, drawn: Dataset) -> None:
    card = read_checkpoint(result.checkpoint.path).card
    assert card == result.checkpoint.card
    assert card.taxonomy == drawn.taxonomy.to_json()
    assert "imagenet" in card.pretraining and result.notes == ()
    assert card.seed == 3 and card.recipe["kind"] == "quick"
    assert card.data.fingerprint == drawn.fingerprint
    assert sum(card.data.splits.values()) == len(drawn)
    assert {record["task"] for record in card.history} == set(drawn.taxonomy.names)
    assert card.hardware and card.versions["torch"] == torch.__version__.partition("+")[0]


def test_the_cards_figures_are_those_of_the_stored_weights(
    result: QuickResult, drawn: Dataset, cache: Path
) -> None:
    predictions = FeatureStore(cache).predictions(drawn, result.checkpoint)
    assert predictions.present.all()
    for split in drawn.splits:
        for task in drawn.taxonomy.names:
            head = evaluate(drawn, predictions, split)[task]
            measure = result.checkpoint.card.metrics[split][task]["accuracy"]
            assert measure.value == pytest.approx(head.report.accuracy.value)
            assert measure.low is not None and measure.high is not None
            assert measure.low <= measure.value <= measure.high and measure.n == head.report.accuracy.n


def test_it_learns_what_is_drawn(result: QuickResult) -> None:
    train = result.checkpoint.card.metrics["train"]
    assert all(train[task]["accuracy"].value > 0.9 for task in train)


def test_the_report_names_every_split_and_task_with_its_interval(result: QuickResult, drawn: Dataset) -> None:
    table = as_table(result)
    for split in drawn.splits:
        for task in drawn.taxonomy.names:
            line = next(line for line in table.splitlines() if line.split()[:2] == [split, task])
            assert "%" in line and "–" in line and "images" in line
    written = json.loads(json.dumps(as_json(result), allow_nan=False))
    assert written["sha256"] == result.checkpoint.hash


def test_the_command_reports_errors_as_title_cause_and_fix(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], placeholder_root: Path
) -> None:
    assert main(["quick", "--data", str(tmp_path / "nowhere"), "--name", "x"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("error: ") and len(lines) >= 2
    command = ["quick", "--data", str(placeholder_root), "--name", "../x", "--out", str(tmp_path)]
    assert main(command) == 2
    assert "cannot be a checkpoint's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_it_starts_from_a_checkpoints_backbone_with_the_heads_that_are_asked_for(
    result: QuickResult, drawn: Dataset, tmp_path: Path
) -> None:
    first, task = result.checkpoint, drawn.taxonomy.names[-1]
    cache = tmp_path / "cache"
    second = quick(
        drawn, "second", tmp_path, cache=cache, start=first, tasks=(task,), settings=FEW
    ).checkpoint
    one, other = load_network(first), load_network(second)
    for name, value in one.backbone.state_dict().items():
        assert torch.equal(value, other.backbone.state_dict()[name])
    assert other.taxonomy.names == (drawn.taxonomy.primary.name, task)
    assert second.card.parent == first.hash and second.card.preprocessing == first.card.preprocessing
    assert f"then 'first' (quick, heads on frozen features) on {drawn.name}" in second.card.pretraining
    assert second.card.metrics["test"].keys() == {drawn.taxonomy.primary.name, task}


def test_without_training_images_it_is_refused(drawn: Dataset, tmp_path: Path) -> None:
    alone = replace(drawn, table=drawn.table.assign(split="test"))
    with pytest.raises(RecipeError, match="no training images"):
        quick(alone, "x", tmp_path, cache=tmp_path / "cache")


def test_cancelling_leaves_no_checkpoint(drawn: Dataset, tmp_path: Path) -> None:
    def stop(done: int, total: int, note: str) -> None:
        if note == "fitting heads":
            raise Cancelled()

    with pytest.raises(Cancelled):
        quick(drawn, "x", tmp_path / "out", cache=tmp_path / "cache", settings=FEW, progress=stop)
    assert not (tmp_path / "out").exists()


def _separable(dataset: Dataset, dimension: int, noise: float) -> Features:
    """Features that hold the code of each task in a coordinate of their own."""
    generator = np.random.default_rng(0)
    x = generator.normal(0, noise, (len(dataset), dimension)).astype(np.float32)
    for number, task in enumerate(dataset.taxonomy.names):
        x[np.arange(len(dataset)), 20 * number + dataset.codes(task)] += 3
    return Features(x, np.full_like(x, np.nan))


def test_missing_labels_are_masked_and_other_rows_still_teach(drawn: Dataset) -> None:
    primary = drawn.taxonomy.primary.name
    network = make_network(taxonomy=drawn.taxonomy)
    features = _separable(drawn, network.embedding_dim, 0.01)
    column = drawn.table[primary].copy()
    column[np.arange(len(drawn)) % 3 == 0] = None
    partly = replace(drawn, table=drawn.table.assign(**{primary: column}))
    fitted = fit_heads(network, features, partly, FEW)
    assert {head.task for head in fitted} == set(drawn.taxonomy.names)
    with torch.inference_mode():
        logits = network.eval().forward_heads(torch.from_numpy(features.plain))
    assert (logits[primary].argmax(1).numpy() == drawn.codes(primary)).mean() > 0.95


def test_further_images_teach_what_few_own_ones_cannot(drawn: Dataset) -> None:
    task = drawn.taxonomy.primary
    network = make_network(taxonomy=drawn.taxonomy).eval()
    features = _separable(drawn, network.embedding_dim, noise=2.0)
    codes = np.arange(2000) % len(task.labels)
    centres = _separable(drawn, network.embedding_dim, noise=0.0).plain
    places = [int(np.flatnonzero(drawn.codes(task.name) == code)[0]) for code in range(len(task.labels))]
    noise = np.random.default_rng(1).standard_normal((2000, network.embedding_dim)).astype(np.float32)
    known = {name: np.full(2000, -1, dtype=np.int64) for name in drawn.taxonomy.names} | {task.name: codes}
    more = Further(centres[places][codes] + 2 * noise, known)
    more.plain[0] = np.nan  # one that could not be read
    right = []
    for further in (None, more):
        fit_heads(network, features, drawn, FEW, further=further)
        rows = drawn.split_mask("test")
        with torch.no_grad():
            logits = network.forward_heads(torch.from_numpy(features.plain[rows]))[task.name]
        right.append(float((logits.argmax(1).numpy() == drawn.codes(task.name)[rows]).mean()))
    assert right[1] > right[0] + 0.05, right


def test_a_task_without_labels_keeps_its_head(drawn: Dataset) -> None:
    primary = drawn.taxonomy.primary.name
    empty = drawn.table[primary].copy()
    empty[:] = None
    bare = replace(drawn, table=drawn.table.assign(**{primary: empty}))
    network = make_network(taxonomy=drawn.taxonomy)
    before = {key: value.clone() for key, value in network.heads.state_dict().items()}
    fitted = fit_heads(network, _separable(drawn, network.embedding_dim, 0.1), bare, FEW)
    assert primary not in {head.task for head in fitted}
    same = {key: torch.equal(value, before[key]) for key, value in network.heads.state_dict().items()}
    assert all(same[key] == key.startswith(f"{primary}.") for key in same)


def test_without_validation_images_whole_objects_are_held_out(drawn: Dataset) -> None:
    trained = replace(drawn, table=drawn.table.assign(split="train"))
    network = make_network(taxonomy=drawn.taxonomy)
    fitted = fit_heads(network, _separable(drawn, network.embedding_dim, 0.1), trained, FEW)
    assert all(head.epochs >= 1 and len(head.history) >= 1 for head in fitted)


def test_one_seed_gives_one_result(drawn: Dataset) -> None:
    states = []
    for seed in (1, 1, 2):
        network = make_network(taxonomy=drawn.taxonomy)
        fit_heads(network, _separable(drawn, network.embedding_dim, 1.0), drawn, FEW, seed=seed)
        states.append(network.heads.state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    assert not all(torch.equal(value, states[2][key]) for key, value in states[0].items())


def test_progress_goes_to_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    show = progress_bar(stream)
    for done in range(0, 101, 10):
        show(done, 100, "images")
    assert stream.getvalue() == "images: 0 / 100\nimages: 100 / 100\n"


@pytest.mark.slow
def test_team_13_reaches_its_mark(team13: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in (("CACHE", "cache"), ("CHECKPOINTS", "checkpoints")):
        monkeypatch.setenv(f"VITRINE_{name}", str(tmp_path / folder))
    assert main(["quick", "--data", str(team13), "--name", "team13"]) == 0
    settings = Settings.from_environment()
    accuracy = find_checkpoint(settings, "team13").card.metrics["test"]["class"]["accuracy"]
    assert accuracy.n == 53 and accuracy.value >= 51 / 53
    load_network(find_checkpoint(settings, "team13"))
