"""What the preflight sees, and the commands around runs and jobs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data import open_dataset
from core.errors import RecipeError
from core.settings import Settings
from tests.training_case import tiny_spec
from training.__main__ import main
from training.durations import duration
from training.estimate import memory_needed, run_seconds
from training.jobs import LocalRunner, State, local
from training.launch import read_overrides
from training.near_duplicates import NEAR, miniature, near_duplicates
from training.preflight import Check, Preflight, preflight
from training.probe import Probe
from training.spec import RunSpec

PROBE = Probe(0.01, 0.03, 0.01, 0.005, 0.01, 900.0, 1_000_000)


@pytest.fixture
def copy(placeholder_root: Path, tmp_path: Path) -> Path:
    """A copy of the placeholder that may be damaged, as (image_path, split, ...) rows in labels.csv."""
    return Path(shutil.copytree(placeholder_root, tmp_path / "copy"))


def checks(settings: Settings, root: Path) -> dict[str, Check]:
    spec = tiny_spec(settings).model_copy(update={"data": str(root)})
    return {check.name: check for check in preflight(spec, measure=False).checks}


def edit(root: Path, change: Any) -> None:
    table = pd.read_csv(root / "labels.csv", dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(root / "labels.csv", index=False)


def test_a_clean_data_set_passes(settings: Settings, placeholder_root: Path) -> None:
    found = checks(settings, placeholder_root)
    assert {found[name].level for name in ("splits", "leakage", "images", "disk")} == {"ok"}
    assert "Fewer than 10" in found["labels"].message


def test_a_copy_across_splits_is_a_leak_and_a_near_duplicate(settings: Settings, copy: Path) -> None:
    table = pd.read_csv(copy / "labels.csv", dtype=str)
    train = table[table["split"] == "train"]["image_path"].iat[0]
    test = table[table["split"] == "test"]["image_path"].iat[0]
    shutil.copyfile(copy / train, copy / test)
    found = checks(settings, copy)
    assert found["leakage"].level == "warning" and Path(test).name in found["leakage"].message
    assert found["near-duplicates"].level == "warning"


def test_a_recompressed_copy_is_near_and_another_picture_is_not(settings: Settings, copy: Path) -> None:
    table = pd.read_csv(copy / "labels.csv", dtype=str)
    train = table[table["split"] == "train"]["image_path"].iat[0]
    test = table[table["split"] == "test"]["image_path"].iat[0]
    Image.open(copy / train).convert("RGB").save(copy / test, quality=40, format="JPEG")
    dataset = open_dataset(copy)
    paths = dataset.table["path"].tolist()
    pairs = {(paths[p.test], paths[p.train]): p.difference for p in near_duplicates(dataset, settings.cache)}
    assert pairs[test, train] <= NEAR
    again = near_duplicates(dataset, settings.cache)
    assert {(paths[p.test], paths[p.train]): p.difference for p in again} == pairs


def test_miniatures_survive_scaling_and_tell_pictures_apart() -> None:
    radial = Image.radial_gradient("L").resize((200, 160)).convert("RGB")
    linear = Image.linear_gradient("L").resize((200, 160)).convert("RGB")

    def apart(one: Image.Image, other: Image.Image) -> float:
        return float(np.sqrt(((miniature(one) - miniature(other)) ** 2).mean()))

    assert apart(radial, radial.resize((100, 80))) <= NEAR
    assert apart(radial, linear) > NEAR


def test_an_object_in_two_splits_is_named(settings: Settings, copy: Path) -> None:
    def share(table: pd.DataFrame) -> None:
        table["instance_id"] = [f"o{i}" for i in range(len(table))]
        first = [table.index[table["split"] == split][0] for split in ("train", "test")]
        table.loc[first, "instance_id"] = "shared-object"

    edit(copy, share)
    found = checks(settings, copy)
    assert found["leakage"].level == "warning" and "shared-object" in found["leakage"].message


def test_no_validation_images_stop_the_launch(settings: Settings, copy: Path) -> None:
    def none(table: pd.DataFrame) -> None:
        table.loc[table["split"] == "val", "split"] = "train"

    edit(copy, none)
    assert checks(settings, copy)["splits"].level == "stop"


def test_broken_images_are_counted(settings: Settings, copy: Path) -> None:
    victim = sorted((copy / "images").rglob("*.*"))[0]
    victim.write_bytes(victim.read_bytes()[:100])
    found = checks(settings, copy)["images"]
    assert found.level == "warning" and found.message.startswith("1 of ")


def test_too_little_disk_stops(
    settings: Settings, placeholder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("training.preflight.shutil.disk_usage", lambda path: usage)
    assert checks(settings, placeholder_root)["disk"].level == "stop"


def test_a_measured_preflight_knows_device_time_and_missing_weights(settings: Settings) -> None:
    spec = tiny_spec(settings, pretraining="imagenet")
    found = preflight(spec)
    assert found.device == "cpu" and found.precision in {"fp32", "bf16"}
    assert found.seconds is not None and 5 < found.seconds < 600
    names = {check.name: check for check in found.checks}
    assert names["memory"].level == "ok"
    assert names["pretraining"].level == "warning" and "random weights" in names["pretraining"].message
    assert Preflight.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_estimate_adds_up(settings: Settings) -> None:
    dataset = open_dataset(settings.data[0])
    n = {split: int(dataset.split_mask(split).sum()) for split in dataset.splits}
    short = tiny_spec(settings)
    frozen, full = (phase.epochs for phase in short.recipe.phases)
    more = tiny_spec(
        settings,
        phases=[p.model_dump() | {"epochs": 2 * p.epochs} for p in short.recipe.phases],
    )
    extra = run_seconds(more, dataset, PROBE) - run_seconds(short, dataset, PROBE)
    expected = n["train"] * (frozen * 0.015 + full * 0.035) + (frozen + full) * n["val"] * 0.01
    assert extra == pytest.approx(expected)
    assert memory_needed(more, dataset, PROBE) > 600


def test_durations_are_for_people() -> None:
    assert [duration(value) for value in (None, 5, 89, 600, 12_000)] == [
        "unknown",
        "5 s",
        "89 s",
        "10 min",
        "3 h 20 min",
    ]


def test_overrides_are_yaml() -> None:
    assert read_overrides(["batch_size=16", "augmentation.crop_scale=[0.5, 1]"]) == {
        "batch_size": 16,
        "augmentation.crop_scale": [0.5, 1],
    }
    for wrong in ("batch_size", "=3", "a={"):
        with pytest.raises(RecipeError):
            read_overrides([wrong])


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment of a command line, without a dispatcher."""
    monkeypatch.setenv("VITRINE_DATA", str(settings.data[0]))
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(settings.checkpoints[0]))
    monkeypatch.setattr(local, "ensure_dispatcher", lambda runs: None)
    return settings


RUN = [
    "--backbone",
    "mobilevit_xxs",
    "--recipe",
    "balanced",
    "--set",
    "image_size=32",
    "--set",
    "batch_size=8",
    "--threads",
    "1",
]


def test_jobs_from_the_command_line(shell: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> Any:
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    job = said("submit", "--name", "typed", *RUN)
    assert (job["name"], job["state"], job["recipe"]) == ("typed", "queued", "balanced")
    assert [found["id"] for found in said("jobs")] == [job["id"]]
    assert said("cancel", job["id"])["state"] == "cancelled"
    assert said("resume", job["id"])["state"] == "queued"
    assert said("logs", job["id"])["text"] == ""
    LocalRunner.at(shell).cancel(job["id"])
    assert said("delete", job["id"]) == {"deleted": job["id"]}
    assert said("jobs") == []


def test_the_command_line_refuses_with_title_cause_and_fix(
    shell: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--name", "$(x)", *RUN]) == 2
    assert "name" in capsys.readouterr().err
    assert main(["submit", "--name", "a", *RUN, "--set", "batch_size=1e9"]) == 2
    assert "batch_size" in capsys.readouterr().err
    assert main(["cancel", "nothing"]) == 2
    assert "no such job" in capsys.readouterr().err


def test_a_foreground_run_prints_its_end(shell: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    import signal

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    try:
        code = main(
            [
                "run",
                "--name",
                "fore",
                *RUN,
                "--set",
                "phases.0.epochs=1",
                "--set",
                "pretraining=none",
                "--json",
            ]
        )
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    out = capsys.readouterr().out
    assert code == 0
    end = json.loads(out[out.index("{") :])
    assert end["state"] == State.FINISHED and end["status"]["checkpoint"].endswith("fore")
    card = json.loads((shell.checkpoints[0] / "fore" / "card.json").read_text())
    assert card["recipe"]["name"] == "balanced" and card["metrics"]["test"]


def test_a_spec_round_trips_through_its_file(settings: Settings, tmp_path: Path) -> None:
    from training.spec import read_spec

    spec = tiny_spec(settings)
    spec.write(tmp_path / "spec.json")
    assert read_spec(tmp_path / "spec.json") == spec
    assert isinstance(spec, RunSpec)
