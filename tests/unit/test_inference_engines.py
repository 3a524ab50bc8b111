from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from core.errors import CheckpointError, InferenceError
from core.inference import Engine, Outputs, open_engine, openvino_model
from core.inference.agreement import MIN_COSINE, PROBE_COSINE, agrees, cosines, probe_images
from core.inference.engine import choose_engine
from core.inference.openvino_engine import FIXED_BATCH, OpenVINOEngine
from core.inference.torch_engine import TorchEngine, has_bf16
from core.models import Checkpoint, load_network
from core.models.checkpoint import WEIGHTS
from core.settings import HOME
from tests.model_case import TAXONOMY, save_small

Images = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_small(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", params=["torch", "openvino"])
def engine(request: pytest.FixtureRequest, saved: Checkpoint, cache: Path) -> Engine:
    return open_engine(saved, request.param, "f32", cache=cache)


@pytest.fixture(scope="module")
def images() -> Images:
    return probe_images(224, FIXED_BATCH + 3)


def test_it_computes_what_the_network_computes(engine: Engine, saved: Checkpoint, images: Images) -> None:
    with torch.inference_mode():
        embedding, logits = load_network(saved)(torch.from_numpy(images))
    outputs = engine.run(images)
    assert outputs.embeddings.dtype == np.float32
    assert (cosines(outputs.embeddings, embedding.numpy()) > 0.99999).all()
    assert list(outputs.logits) == list(TAXONOMY.names)
    for task in TAXONOMY.names:
        np.testing.assert_allclose(outputs.logits[task], logits[task].numpy(), atol=1e-4)


@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_what_auto_takes_here_agrees_with_float32(
    saved: Checkpoint, cache: Path, images: Images, name: str
) -> None:
    exact = open_engine(saved, name, "f32", cache=cache).run(images)
    engine = open_engine(saved, name, cache=cache)
    found = engine.run(images)
    assert engine.precision in {"f32", "bf16"}
    assert cosines(found.embeddings, exact.embeddings).min() >= MIN_COSINE
    for task in TAXONOMY.names:
        np.testing.assert_allclose(found.logits[task], exact.logits[task], atol=0.01)


@pytest.mark.parametrize("n", [1, 2, FIXED_BATCH, FIXED_BATCH + 1])
def test_rows_do_not_depend_on_the_batch(engine: Engine, images: Images, n: int) -> None:
    whole, part = engine.run(images), engine.run(images[:n])
    assert part.embeddings.shape == (n, whole.embeddings.shape[1])
    np.testing.assert_allclose(part.embeddings, whole.embeddings[:n], atol=1e-5)


def test_threads_may_share_an_engine(engine: Engine, images: Images) -> None:
    expected = engine.run(images).embeddings
    found: dict[int, Images] = {}

    def work(number: int) -> None:
        found[number] = engine.run(np.roll(images, number, axis=0)).embeddings

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        np.testing.assert_allclose(found[number], np.roll(expected, number, axis=0), atol=1e-5)


def test_auto_takes_openvino_where_there_is_no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inference.engine._has_accelerator", lambda: False)
    assert choose_engine() == "openvino"
    monkeypatch.setattr("core.inference.engine._has_accelerator", lambda: True)
    assert choose_engine() == "torch"


def test_without_openvino_torch_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.inference.engine._has_accelerator", lambda: False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert choose_engine() == "torch"
    with pytest.raises(InferenceError, match="OpenVINO is not installed"):
        choose_engine("openvino")


@pytest.mark.parametrize(("name", "precision"), [("onnx", "f32"), ("torch", "f64"), ("", "")])
def test_unknown_engines_and_precisions_are_refused(name: str, precision: str) -> None:
    with pytest.raises(InferenceError, match="no engine"):
        choose_engine(name, precision)


def test_bf16_is_refused_by_name_where_the_processor_lacks_it(
    saved: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenVINOEngine, "_has_bf16", lambda self: False)
    monkeypatch.setattr("core.inference.torch_engine.has_bf16", lambda device: False)
    for name in ("openvino", "torch"):
        assert open_engine(saved, name, "auto", cache=cache).precision == "f32"
        with pytest.raises(InferenceError, match="bf16"):
            open_engine(saved, name, "bf16", cache=cache)


def test_bf16_is_taken_where_it_agrees_and_left_where_it_does_not(
    saved: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bfloat16 runs on any CPU, by emulation where the hardware lacks it: only the choice is changed here."""
    monkeypatch.setattr("core.inference.torch_engine.has_bf16", lambda device: True)
    network = load_network(saved)
    monkeypatch.setattr("core.inference.agreement.PROBE_COSINE", 0.9)
    low = TorchEngine(network, precision="auto", device="cpu", size=64)
    assert low.precision == "bf16"
    monkeypatch.setattr("core.inference.agreement.PROBE_COSINE", 1.1)
    assert TorchEngine(network, precision="auto", device="cpu", size=64).precision == "f32"
    images = probe_images(64, 2)
    exact = TorchEngine(network, precision="f32", device="cpu").run(images)
    found = low.run(images)
    assert not np.array_equal(exact.embeddings, found.embeddings)
    assert cosines(exact.embeddings, found.embeddings).min() > 0.98


def test_openvino_falls_back_by_the_same_rule(
    saved: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that claims bf16: the engine compares both precisions and keeps the one that agrees."""
    asked: list[str] = []
    compile_real = OpenVINOEngine._compile

    def compile_f32(self: OpenVINOEngine, batch: int) -> object:
        asked.append(self.precision)
        claimed, self.precision = self.precision, "f32"
        try:
            return compile_real(self, batch)
        finally:
            self.precision = claimed

    monkeypatch.setattr(OpenVINOEngine, "_has_bf16", lambda self: True)
    monkeypatch.setattr(OpenVINOEngine, "_compile", compile_f32)
    assert open_engine(saved, "openvino", cache=cache).precision == "bf16"
    assert asked == ["f32", "bf16"]
    monkeypatch.setattr("core.inference.agreement.PROBE_COSINE", 1.1)
    assert open_engine(saved, "openvino", cache=cache).precision == "f32"


def test_agreement_is_by_the_worst_image_and_nan_never_agrees() -> None:
    one = np.eye(4, dtype=np.float32)
    other = one.copy()
    assert agrees(Outputs(one, {}), Outputs(other * 3, {}))
    other[2] = (1, 0, 0, 0)
    assert not agrees(Outputs(one, {}), Outputs(other, {}))
    other[2] = np.nan
    assert not agrees(Outputs(one, {}), Outputs(other, {}))
    assert MIN_COSINE == 0.999 and PROBE_COSINE == 0.9999


def test_a_second_opening_reads_the_converted_model_without_torch(saved: Checkpoint, cache: Path) -> None:
    open_engine(saved, "openvino", cache=cache)
    code = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from core.models import read_checkpoint; from core.inference import open_engine;"
        f"c = read_checkpoint(Path({str(saved.path)!r})); e = open_engine(c, cache=Path({str(cache)!r}));"
        "o = e.run(np.zeros((2, 3, 224, 224), np.float32));"
        "assert o.embeddings.shape == (2, 1024), o.embeddings.shape; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=HOME, check=True)


def test_a_damaged_converted_model_is_a_miss(saved: Checkpoint, tmp_path: Path, images: Images) -> None:
    expected = open_engine(saved, "openvino", cache=tmp_path).run(images[:2])
    place = next((tmp_path / "openvino").iterdir())
    for name in ("model.bin", "model.xml", "hashes.json"):
        data = (place / name).read_bytes()
        (place / name).write_bytes(data[: len(data) // 2] + b"\0" + data[len(data) // 2 + 1 :])
        assert not openvino_model.is_whole(place)
        (place / name).write_bytes(data)
        assert openvino_model.is_whole(place)
    (place / "model.bin").write_bytes(b"")
    again = open_engine(saved, "openvino", cache=tmp_path).run(images[:2])
    assert np.array_equal(again.embeddings, expected.embeddings)
    assert openvino_model.is_whole(place)
    (saved_copy := save_small(tmp_path)).path.joinpath(WEIGHTS).write_bytes(b"")
    with pytest.raises(CheckpointError):  # a converted model does not hide damaged weights
        open_engine(saved_copy, "openvino", cache=tmp_path)


def test_torch_halves_the_batch_when_the_accelerator_runs_out_of_memory(
    saved: Checkpoint, images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = TorchEngine(load_network(saved), precision="f32", device="cpu")
    expected = engine.run(images)
    forward, sizes = TorchEngine._forward, []

    def small(self: TorchEngine, batch: torch.Tensor) -> Outputs:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return forward(self, batch)

    monkeypatch.setattr(TorchEngine, "_forward", small)
    found = engine.run(images)
    np.testing.assert_allclose(found.embeddings, expected.embeddings, atol=1e-5)
    assert max(sizes[1:]) < len(images)
    monkeypatch.setattr(TorchEngine, "_forward", lambda self, batch: _out_of_memory())
    with pytest.raises(InferenceError, match="no memory"):
        engine.run(images)


def _out_of_memory() -> Outputs:
    raise torch.cuda.OutOfMemoryError("out of memory")


def test_bf16_is_not_claimed_for_a_cpu_that_emulates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert not has_bf16("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert has_bf16("cpu")
