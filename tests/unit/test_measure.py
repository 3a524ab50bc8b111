"""What checkpoints cost: operations counted, processes timed, results kept, claims judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.__main__ import main
from core.data import open_dataset
from core.errors import SelectionError
from core.inference.openvino_model import cached_model
from core.measure import Latency, Measurement, Way, read_measurements
from core.measure.claims import Claim, claims, judge
from core.measure.flops import network_flops
from core.measure.measuring import time_ways
from core.measure.runner import Setting
from core.measure.shelf import keep
from core.models import Checkpoint, Preprocessing, save_checkpoint
from tests.model_case import make_card, make_network, save_small


def way(engine: str, precision: str, ms: float) -> Way:
    return Way(engine, precision, "cpu", 4_000_000, 300.0, None, (Latency(1, ms, 2 * ms, ms, 5),))


MEASURED = Measurement(
    checkpoint_hash="a" * 64,
    checkpoint_name="one",
    backbone="mobilevit_xxs",
    size=256,
    parameters=1_210_000,
    flops=600_000_000,
    file_bytes=2_500_000,
    hardware="a processor, 2 cores",
    versions={"torch": "2"},
    created="2026-11-24T12:00:00+00:00",
    load=(0.5, 1.0),
    ways=(way("torch", "f32", 40.0), way("openvino", "f32", 20.0)),
    refused={"openvino bf16": "This processor has no bf16."},
)
INT8 = way("openvino", "int8", 9.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    network = make_network()
    small = Preprocessing(size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    return save_checkpoint(folder, network, make_card(network, preprocessing=small))


def test_operations_are_those_of_the_architecture_and_grow_with_the_image() -> None:
    network = make_network()
    assert network_flops(network, 224) == pytest.approx(
        2 * 56.5e6, rel=0.03
    )  # Howard et al. 2019: 56 M MAdds
    assert network_flops(network, 448) == pytest.approx(4 * network_flops(network, 224), rel=0.05)
    assert not next(network.parameters()).is_meta


def test_ways_are_timed_in_processes_of_their_own_and_refusals_are_told(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    cached_model(checkpoint, tmp_path / "openvino")
    common = (checkpoint.path, tmp_path)
    asked = [Setting(*common, "openvino", "f32"), Setting(*common, "openvino", "int8")]
    steps: list[str] = []
    ways, refused = time_ways(checkpoint, asked, 3, progress=lambda done, total, note: steps.append(note))
    assert [found.name for found in ways] == ["openvino f32"]
    assert list(refused) == ["openvino int8"] and "calibrated" in refused["openvino int8"]
    assert [at.batch for at in ways[0].latency] == [1, 8]
    for at in ways[0].latency:
        assert 0 < at.p50 <= at.p95 and at.processor > 0 and at.runs == 3
    assert 20 < ways[0].memory < 3000 and ways[0].file_bytes > 1_000_000
    assert any(note.endswith("measuring") for note in steps)


def test_a_process_that_dies_is_an_error_not_a_wait(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.measure.runner._serve", print)  # a process that prints and ends
    ways, refused = time_ways(checkpoint, [Setting(checkpoint.path, tmp_path, "openvino", "f32")], 1)
    assert ways == () and "has ended" in refused["openvino f32"]


def test_measurements_are_kept_by_checkpoint_and_machine(tmp_path: Path) -> None:
    newer = replace(MEASURED, hardware="another", created="2026-11-25T12:00:00+00:00")
    keep(MEASURED, tmp_path)
    file = keep(newer, tmp_path)
    keep(replace(MEASURED, load=(2.0, 2.0)), tmp_path)
    assert [found.hardware for found in read_measurements(tmp_path, "a" * 64)] == [
        newer.hardware,
        MEASURED.hardware,
    ]
    assert read_measurements(tmp_path, "a" * 64)[1].load == (2.0, 2.0)
    assert read_measurements(tmp_path, "b" * 64) == []
    file.write_text(file.read_text().replace('"p50": 40.0', '"p50": 4.0'))
    assert [found.hardware for found in read_measurements(tmp_path, "a" * 64)] == [MEASURED.hardware]


def test_the_command_measures_keeps_and_prints(
    tmp_path: Path,
    placeholder_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved = [save_small(tmp_path, name, seed) for seed, name in enumerate(("one", "two"))]
    monkeypatch.setenv("VITRINE_DATA", str(placeholder_root))
    monkeypatch.setenv("VITRINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(tmp_path))
    given: list[list[str]] = []

    def quick(checkpoint: Checkpoint, settings: list[Setting], *rest: object, **more: object) -> object:
        given.append([setting.name for setting in settings])
        return MEASURED.ways, MEASURED.refused

    monkeypatch.setattr("core.measure.measuring.time_ways", quick)
    assert main(["measure", "--checkpoint", "one", "two", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["measurements"]
    assert [value["checkpoint_name"] for value in found] == ["one", "two"]
    assert found[0]["parameters"] == saved[0].card.parameters and found[0]["hardware"]
    kept = read_measurements(tmp_path / "cache", saved[0].hash)
    assert [one.to_json() for one in kept] == [found[0]]
    assert given[0] == ["torch f32", "torch bf16", "openvino f32", "openvino bf16"]
    assert main(["measure", "--checkpoint", "one", "--int8"]) == 0
    assert "GFLOP" in capsys.readouterr().out and given[-1][-1] == "openvino int8"
    assert open_dataset(placeholder_root).splits


def test_a_batch_that_was_not_measured_is_refused() -> None:
    with pytest.raises(SelectionError, match="were not measured"):
        INT8.at(64)


def of(backbone: str, figure: str) -> Claim:
    return next(claim for claim in claims()[1] if (claim.backbone, claim.figure) == (backbone, figure))


def test_claims_are_judged_by_what_was_measured() -> None:
    def verdict(figure: str, **known: object) -> str:
        return judge(of("mobilevit_xxs", figure), MEASURED, **known).verdict  # type: ignore[arg-type]

    assert verdict("parameters") == "supported"
    assert verdict("file_mb") == "supported"  # half of 5 MB: 16-bit weights
    assert verdict("embedding", embedding=320) == "supported"
    assert verdict("embedding", embedding=192) == "not supported"
    assert verdict("latency_ms") == verdict("accuracy") == "cannot be told"
    assert verdict("int8_speed_up") == "not measured"
    assert verdict("int8_speed_up", int8=INT8) == "supported"  # 40 / 9
    assert verdict("int8_ms", int8=INT8) == "not supported"  # 9 > 5
    assert judge(of("mobilevit_xxs", "parameters"), None).verdict == "not measured"
    large = replace(MEASURED, parameters=2_400_000)
    assert judge(of("mobilevit_xxs", "parameters"), large).verdict == "not supported"


def test_claimed_accuracies_carry_the_interval_of_their_images() -> None:
    found = judge(of("deit_tiny_patch16_224", "accuracy"), None)
    assert "49 of 53 images: 82.1 – 97.0 %" in found.why
