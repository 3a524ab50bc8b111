"""Int8, bf16 and ONNX of a small network: what is written, what it loses, what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.__main__ import main
from core.data import Dataset, open_dataset
from core.errors import Cancelled, InferenceError, SelectionError
from core.export import TARGETS, ExportReport, read_reports
from core.export.exporting import export
from core.export.report import REPORT, read_report
from core.inference import Calibration, open_engine
from core.inference.agreement import cosines, probe_images
from core.inference.engine import choose_engine
from core.inference.openvino_engine import OpenVINOEngine
from core.inference.openvino_model import cached_model, is_whole, model_place
from core.measure import Latency, Way
from core.models import Checkpoint, Preprocessing, save_checkpoint
from core.settings import HOME
from core.store import FeatureStore
from tests.model_case import make_card, make_network

SIZE = 64


def way(engine: str, precision: str, ms: float) -> Way:
    latency = tuple(Latency(batch, batch * ms, 2 * batch * ms, ms, 2) for batch in (1, 8))
    return Way(engine, precision, "cpu", 10, 100.0, None, latency)


WAYS = (way("torch", "f32", 12.0), way("openvino", "f32", 6.0), way("openvino", "int8", 3.0))
"""Timing starts a process for each way; tests/unit/test_measure.py does so once."""


@pytest.fixture(scope="module")
def dataset(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture(scope="module")
def checkpoint(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    network = make_network(taxonomy=dataset.taxonomy)
    small = Preprocessing(size=SIZE, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    return save_checkpoint(folder, network, make_card(network, preprocessing=small))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def calibration(quick: None, dataset: Dataset) -> Calibration:
    return Calibration.of(dataset)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.export.exporting._timed", lambda *given: WAYS)
        patch.setattr("core.inference.calibration.IMAGES", 6)
        yield


@pytest.fixture(scope="module")
def int8(quick: None, dataset: Dataset, checkpoint: Checkpoint, cache: Path) -> ExportReport:
    return export(dataset, checkpoint, "openvino-int8", cache=cache)


@pytest.fixture(scope="module")
def onnx(quick: None, dataset: Dataset, checkpoint: Checkpoint, cache: Path) -> ExportReport:
    return export(dataset, checkpoint, "onnx", cache=cache)


def figures(report: ExportReport | None) -> dict[str, Any]:
    assert report is not None
    return {name: value for name, value in report.to_json().items() if name != "path"}


def test_calibration_takes_training_images_and_knows_them_by_content(dataset: Dataset) -> None:
    some, others = Calibration.of(dataset, 5), Calibration.of(dataset, 6)
    train = set(dataset.table["sha"][dataset.split_mask("train")])
    assert some.split == "train" and len(some.files) == 5 and set(some.shas) <= train
    assert some.key == Calibration.of(dataset, 5).key != others.key


def test_int8_rounds_weights_and_stays_close(
    int8: ExportReport, checkpoint: Checkpoint, calibration: Calibration, cache: Path
) -> None:
    engine = open_engine(checkpoint, "auto", "int8", cache=cache, calibration=calibration)
    assert (engine.name, engine.precision, engine.calibration) == ("openvino", "int8", calibration.key)
    images = probe_images(SIZE, 5)
    exact = open_engine(checkpoint, "openvino", "f32", cache=cache).run(images)
    found = engine.run(images)
    assert not np.array_equal(found.embeddings, exact.embeddings)
    # random weights, and patterns that it was not calibrated with
    assert cosines(found.embeddings, exact.embeddings).min() > 0.8
    kept = model_place(checkpoint, cache / "openvino").joinpath("model.bin").stat().st_size
    assert int8.file_bytes < 0.5 * kept


def test_heads_are_not_quantised(
    int8: ExportReport, checkpoint: Checkpoint, calibration: Calibration, cache: Path
) -> None:
    import openvino

    place = model_place(checkpoint, cache / "openvino", calibration)
    rounded = [
        operation.get_friendly_name()
        for operation in openvino.Core().read_model(place / "model.xml").get_ops()
        if operation.get_type_name() == "FakeQuantize"
    ]
    assert rounded and not [name for name in rounded if "heads" in name]


def test_the_report_holds_accuracy_agreement_and_speed(int8: ExportReport, dataset: Dataset) -> None:
    value = int8.to_json()
    rows = int(dataset.split_mask("test").sum())
    assert value["agreement"]["n"] == rows and value["calibrated_on"].endswith("(train)")
    for task in dataset.taxonomy.names:
        head = value["agreement"]["heads"][task]
        for name in ("exact", "variant", "same_top1"):
            assert 0 <= head[name]["low"] <= head[name]["value"] <= head[name]["high"] <= 1
    assert 0.5 < value["agreement"]["min_cosine"] <= value["agreement"]["median_cosine"] <= 1
    assert int8.speed_up(8) == value["speed_up"]["torch f32"]["8"]["wall"] == 4
    assert value["speed_up"]["openvino f32"]["1"] == {"wall": 2, "processor": 2}
    assert value["hardware"]


def test_int8_features_are_kept_apart_and_only_given_when_asked_for(
    int8: ExportReport, dataset: Dataset, checkpoint: Checkpoint, cache: Path
) -> None:
    store = FeatureStore(cache)
    usual = store.predictions(dataset, checkpoint)
    rounded = store.predictions(dataset, checkpoint, precision="int8")
    assert (usual.precision, rounded.precision) == ("f32", "int8")
    assert (rounded.present == dataset.split_mask("test")).all()
    status = store.index(dataset, checkpoint, precision="int8")
    assert status.complete and status.precision == "int8"
    assert store.status(dataset, checkpoint).precision == "f32"


def test_the_report_is_believed_only_while_its_files_are_the_same(
    onnx: ExportReport, dataset: Dataset, checkpoint: Checkpoint, cache: Path
) -> None:
    def found() -> dict[str, ExportReport]:
        return read_reports(cache, checkpoint.hash, dataset.fingerprint, "test")

    assert figures(found()["onnx"]) == figures(onnx)
    for name in (REPORT, *TARGETS["onnx"].files):
        file = onnx.path / name
        data = file.read_bytes()
        file.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
        assert "onnx" not in found()
        file.write_bytes(data)
    assert figures(read_report(onnx.path)) == figures(onnx)
    assert not read_reports(cache, checkpoint.hash, dataset.fingerprint, "val")


def test_onnx_says_what_torch_says(onnx: ExportReport) -> None:
    assert onnx.agreement.largest_logit_difference < 1e-3
    assert onnx.agreement.min_cosine > 0.99999
    assert all(head.same_top1.value == 1 for head in onnx.agreement.heads)


def test_a_cut_off_calibration_leaves_nothing(
    dataset: Dataset, checkpoint: Checkpoint, calibration: Calibration, tmp_path: Path
) -> None:
    def stop(done: int, total: int, note: str) -> None:
        if note.startswith("calibrating") and done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        open_engine(checkpoint, precision="int8", cache=tmp_path, calibration=calibration, progress=stop)
    assert not is_whole(model_place(checkpoint, tmp_path / "openvino", calibration))
    assert cached_model(checkpoint, tmp_path / "openvino") is not None


def test_int8_is_refused_without_images_or_on_torch(checkpoint: Checkpoint, cache: Path) -> None:
    with pytest.raises(InferenceError, match="needs images to be calibrated with"):
        open_engine(checkpoint, "openvino", "int8", cache=cache)
    with pytest.raises(InferenceError, match="openvino engine only"):
        choose_engine("torch", "int8")
    with pytest.raises(SelectionError, match="no form"):
        export(None, checkpoint, "tflite", cache=cache)  # type: ignore[arg-type]


def test_bf16_is_refused_by_processors_without_and_exported_by_those_with(
    dataset: Dataset, checkpoint: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that claims bf16 is made up; OpenVINO then computes in float32, which it can everywhere."""
    monkeypatch.setattr(OpenVINOEngine, "_has_bf16", lambda self: False)
    with pytest.raises(InferenceError, match="no bf16"):
        export(dataset, checkpoint, "openvino-bf16", cache=cache)
    compile_real = OpenVINOEngine._compile

    def compile_f32(self: OpenVINOEngine, batch: int) -> object:
        claimed, self.precision = self.precision, "f32"
        try:
            return compile_real(self, batch)
        finally:
            self.precision = claimed

    monkeypatch.setattr(OpenVINOEngine, "_has_bf16", lambda self: True)
    monkeypatch.setattr(OpenVINOEngine, "_compile", compile_f32)
    report = export(dataset, checkpoint, "openvino-bf16", cache=cache)
    assert report.agreement.min_cosine > 0.9999 and (report.path / "model.xml").exists()
    assert FeatureStore(cache).predictions(dataset, checkpoint, precision="bf16").precision == "bf16"


def test_the_command_prints_the_report_and_copies_the_files(
    onnx: ExportReport,
    dataset: Dataset,
    checkpoint: Checkpoint,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("VITRINE_CACHE", str(cache))
    monkeypatch.setattr("core.export.exporting.export", lambda *given, **how: onnx)
    named = ["export", "--data", str(dataset.root), "--checkpoint", str(checkpoint.path), "--to", "onnx"]
    assert main([*named, "--json", "--out", str(tmp_path)]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["agreement"]["largest_logit_difference"] < 1e-3
    assert value["agreement"]["heads"][dataset.taxonomy.names[0]]["same_top1"]["value"] == 1
    assert figures(read_report(tmp_path)) == figures(onnx)
    assert main(named) == 0
    assert "same top-1 100.0 %" in capsys.readouterr().out


def test_pages_need_neither_nncf_nor_onnx() -> None:
    code = (
        "import sys, core.export, core.measure, core.inference, core.cli.export, core.cli.measure;"
        "print(sorted({'nncf', 'onnx', 'onnxruntime', 'openvino', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
