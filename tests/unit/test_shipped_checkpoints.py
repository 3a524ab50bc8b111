"""The checkpoints that ship: whole, honest about the data, and as good as their cards say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from core.data import open_dataset
from core.inference.engine import network_engine
from core.inference.prediction import predict_images
from core.models import load_network, read_checkpoint
from core.settings import HOME

SHIPPED = sorted(path.parent for path in (HOME / "checkpoints").glob("*/card.json"))
DEMO = [folder for folder in SHIPPED if folder.name.startswith("demo-")]
MACHINE_PATH = re.compile(
    r"(^|[\s\"'=:,(\[])(/(home|root|tmp|work|mnt|Users|opt|var|data)/|[A-Za-z]:\\\\|~/)"
)
MEGABYTE = 1_000_000
EDGE = 2.5
"""Images whose answer may differ between engines (docs/checkpoints.md)."""


def test_what_ships_is_what_is_said() -> None:
    text = (HOME / "checkpoints" / "README.md").read_text(encoding="utf-8")
    assert DEMO
    assert [folder.name for folder in SHIPPED] == sorted(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    for folder in SHIPPED:
        found = read_checkpoint(folder).card.metrics["test"]["class"]["accuracy"]
        assert found.low is not None and found.high is not None
        line = next(line for line in text.splitlines() if line.startswith(f"| `{folder.name}` |"))
        figure = f"class {100 * found.value:.1f} % ({100 * found.low:.1f} – {100 * found.high:.1f})"
        assert figure in line, folder.name


def test_the_checkout_stays_small() -> None:
    parts = ("checkpoints", "data/demo", "docs", "core", "pages", "training", "tests", "benchmarks")
    files = [path for part in parts for path in (HOME / part).rglob("*") if path.is_file()]
    kept = [path for path in files if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in kept) < 60 * MEGABYTE


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_it_loads_and_its_card_names_no_machine_path(folder: Path) -> None:
    checkpoint = read_checkpoint(folder)
    network = load_network(checkpoint)  # compares the weights with the card's hash and shapes
    assert network.parameter_count == checkpoint.card.parameters
    assert checkpoint.card.name == folder.name
    text = json.dumps(json.loads((folder / "card.json").read_text(encoding="utf-8")), indent=0)
    assert not MACHINE_PATH.search(text)
    assert {"train", "val", "test"} <= checkpoint.card.metrics.keys()
    assert checkpoint.card.pretraining and checkpoint.card.hardware and checkpoint.card.history


@pytest.mark.parametrize("folder", DEMO, ids=lambda folder: folder.name)
def test_it_was_trained_on_the_demo_data_as_they_are(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset(HOME / "data" / "demo", cache=tmp_path)
    card = read_checkpoint(folder).card
    assert card.data.fingerprint == dataset.fingerprint
    assert card.taxonomy == dataset.taxonomy.to_json()


def test_its_test_figures_are_found_again(tmp_path: Path) -> None:
    dataset = open_dataset(HOME / "data" / "demo", cache=tmp_path)
    smallest = min(DEMO, key=lambda folder: (folder / "model.safetensors").stat().st_size)
    checkpoint = read_checkpoint(smallest)
    network = load_network(checkpoint).eval()
    preprocessing = checkpoint.card.preprocessing
    engine = network_engine(network, preprocessing.size)
    rows = np.flatnonzero(dataset.split_mask("test"))
    found: dict[str, list[np.ndarray]] = {}
    for batch in predict_images(engine, preprocessing, [dataset.file(int(row)) for row in rows]):
        for task, logits in batch.outputs.logits.items():
            found.setdefault(task, []).append(logits)
    for task, parts in found.items():
        right = np.concatenate(parts).argmax(axis=1) == dataset.codes(task)[rows]
        told = checkpoint.card.metrics["test"][task]["accuracy"]
        assert told.n == len(rows)
        assert abs(right.mean() - told.value) <= EDGE / len(rows), task
