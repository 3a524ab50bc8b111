"""The audit of the demo data against what was planted there: the figures that were asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

import pytest

from core.__main__ import main
from core.settings import HOME

DEMO = HOME / "data" / "demo"
CHECKPOINT = HOME / "checkpoints" / "demo-efficientnet_lite0"


@pytest.fixture(scope="module")
def planted() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with (DEMO / "planted.csv").open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            found.setdefault(line["kind"], []).append(line)
    return found


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `core audit --json` prints of the demo data with the shipped checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITRINE_CACHE", str(tmp_path_factory.mktemp("cache")))
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *text, **_: printed.extend(map(str, text)))
        assert main(["audit", "--data", str(DEMO), "--checkpoint", str(CHECKPOINT), "--json"]) == 0
    text = "\n".join(printed)
    yield json.loads(text[text.index("{\n") :])


@pytest.mark.parametrize(("task", "looked_at", "least"), [("class", 20, 0.9), ("color", 25, 0.8)])
def test_wrong_labels_stand_at_the_head_of_the_queue(
    audited: dict[str, Any], planted: dict[str, list[dict[str, str]]], task: str, looked_at: int, least: float
) -> None:
    wrong = {line["image_path"] for line in planted["wrong_label"] if line["task"] == task}
    first = {issue["path"] for issue in audited["label_issues"][task][:looked_at]}
    assert len(wrong & first) >= least * len(wrong)


def test_copies_across_splits_are_all_found_and_little_else(
    audited: dict[str, Any], planted: dict[str, list[dict[str, str]]]
) -> None:
    wanted = {frozenset((line["image_path"], line["other_path"])) for line in planted["near_duplicate"]}
    across = [pair for pair in audited["near_duplicates"] if len(set(pair["splits"])) > 1]
    found = {frozenset((pair["path"], pair["other"])) for pair in across}
    assert wanted <= found
    assert len(wanted) >= 0.9 * len(found)


def test_leaks_damage_and_synonyms_are_named(
    audited: dict[str, Any], planted: dict[str, list[dict[str, str]]]
) -> None:
    with (DEMO / "labels.csv").open(newline="", encoding="utf-8") as stream:
        instance = {line["image_path"]: line["instance_id"] for line in csv.DictReader(stream)}
    leaking = {instance[line["image_path"]] for line in planted["leaking_instance"]}
    assert {found["instance_id"] for found in audited["leaking_instances"]} == leaking
    assert {line["image_path"] for line in planted["corrupt"]} <= set(str(audited["quarantined"]).split("'"))
    assert "grey" in str(audited["synonyms"]) and "gray" in str(audited["synonyms"])


def test_the_weak_slice_comes_first(audited: dict[str, Any]) -> None:
    first = audited["slices"][0]
    assert first["where"] == {"color": "green", "size": "large"}
    assert first["q"] < 0.05 and first["high"] < first["rest"]


def test_every_head_can_be_learnt(audited: dict[str, Any]) -> None:
    verdicts = {task: found["verdict"] for task, found in audited["learnability"].items()}
    assert "not learnable" not in verdicts.values()
    assert verdicts["class"] == verdicts["color"] == verdicts["material"] == "learnable"
