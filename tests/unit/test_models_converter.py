from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from core.__main__ import main
from core.data.taxonomy import Task, Taxonomy
from core.errors import CheckpointError
from core.models import find_checkpoint, load_network
from core.models.converter import convert_weights, read_labels, read_state
from core.settings import Settings
from tests.model_case import report_state

HEADS = {"class": 10, "color": 15, "material": 9, "condition": 4}
"""The report's four heads."""
LABELS = Taxonomy(tuple(Task(task, tuple(f"{task} {i}" for i in range(n))) for task, n in HEADS.items()))


@pytest.mark.parametrize("backbone", ["deit_tiny_patch16_224", "mobilevit_xxs"])
def test_the_reports_layout_becomes_a_checkpoint_that_computes_the_same(
    tmp_path: Path, backbone: str
) -> None:
    state = report_state(backbone, HEADS)
    torch.save(state, tmp_path / "best.pth")
    checkpoint = convert_weights(tmp_path / "best.pth", LABELS, tmp_path / "out", name="best")
    assert checkpoint.card.backbone == backbone and checkpoint.taxonomy == LABELS
    preprocessing = checkpoint.card.preprocessing
    assert (preprocessing.size, preprocessing.mean, preprocessing.crop_mode) == (
        224,
        (0.485, 0.456, 0.406),
        "squash",
    )
    network = load_network(checkpoint)
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        embedding, logits = network(images)
        hidden = torch.relu(embedding @ state["color_head.0.weight"].T + state["color_head.0.bias"])
        color = hidden @ state["color_head.3.weight"].T + state["color_head.3.bias"]
    torch.testing.assert_close(logits["color"], color)


def test_the_command_takes_labels_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = {"module." + key: value for key, value in report_state("mobilevit_xxs", HEADS).items()}
    torch.save({"model_state_dict": wrapped}, tmp_path / "best.pth")
    (tmp_path / "labels.json").write_text(json.dumps(LABELS.to_json()))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    command = [
        "convert",
        str(tmp_path / "best.pth"),
        "--name",
        "seed",
        "--labels",
        str(tmp_path / "labels.json"),
    ]
    assert main([*command, "--weight-bits", "16", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    checkpoint = find_checkpoint(Settings.from_environment(), "seed")
    assert checkpoint.hash == printed["sha256"] and checkpoint.card.backbone == "mobilevit_xxs"
    assert main([*command[:3], "../seed", *command[4:]]) == 2


def test_the_command_takes_labels_from_a_data_set(tmp_path: Path, placeholder_root: Path) -> None:
    from core.data import open_dataset

    taxonomy = open_dataset(placeholder_root).taxonomy
    primary = taxonomy.primary
    torch.save(report_state("mobilevit_xxs", {primary.name: len(primary.labels)}), tmp_path / "w.pth")
    command = ["convert", str(tmp_path / "w.pth"), "--name", "w", "--data", str(placeholder_root)]
    assert main([*command, "--out", str(tmp_path)]) == 0
    found = find_checkpoint(Settings((), tmp_path / "cache", (tmp_path,)), "w")
    assert found.taxonomy == Taxonomy((primary,))


def test_label_counts_must_be_those_of_the_heads(tmp_path: Path) -> None:
    torch.save(report_state("mobilevit_xxs", HEADS), tmp_path / "best.pth")
    short = Taxonomy((Task("class", ("a", "b")), *LABELS.tasks[1:]))
    with pytest.raises(CheckpointError, match="'class'") as caught:
        convert_weights(tmp_path / "best.pth", short, tmp_path / "out", name="best")
    assert "10 outputs, 2 labels" in caught.value.cause


def test_a_layout_that_is_not_the_reports_is_refused(tmp_path: Path) -> None:
    state = report_state("mobilevit_xxs", HEADS)
    for changed in (
        {**state, "classifier.weight": torch.zeros(2, 2)},
        {key: value for key, value in state.items() if key.startswith("backbone.")},
    ):
        torch.save(changed, tmp_path / "other.pth")
        with pytest.raises(CheckpointError, match="not laid out"):
            convert_weights(tmp_path / "other.pth", LABELS, tmp_path / "out", name="other")


def test_an_unknown_backbone_is_refused(tmp_path: Path) -> None:
    state = report_state("mobilevit_xxs", HEADS)
    del state["backbone.stem.conv.weight"]
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="not recognised"):
        convert_weights(tmp_path / "other.pth", LABELS, tmp_path / "out", name="other")
    with pytest.raises(CheckpointError, match="do not fit") as caught:
        convert_weights(
            tmp_path / "other.pth", LABELS, tmp_path / "out", name="other", backbone="mobilevit_xxs"
        )
    assert "backbone.stem.conv.weight" in caught.value.cause


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.mkdir, (Path("pickle-was-executed"),))  # type: ignore[return-value]


def test_pickled_code_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"backbone.weight": _Bomb()}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Bomb()))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(CheckpointError, match="cannot be read as weights"):
            read_state(tmp_path / name)
    assert not (tmp_path / "pickle-was-executed").exists()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x80\x02}", b"not weights"])
def test_files_that_are_no_weights_are_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(damage)
    with pytest.raises(CheckpointError):
        read_state(tmp_path / "w.pth")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"class": "ab"}', '{"class": []}', '{"class": ["a", "a"]}']
)
def test_label_files_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(CheckpointError, match="does not hold labels"):
        read_labels(tmp_path / "labels.json")
