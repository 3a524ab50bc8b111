"""Export a checkpoint: write the files, then find out what they lose and what they gain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.dataset import Dataset
from core.errors import InferenceError, SelectionError
from core.export.agreement import agreement
from core.export.report import ExportReport, export_place, keep_report
from core.export.targets import TARGETS, Target
from core.files import atomic_path, atomic_write
from core.inference import Calibration, Engine, open_engine, predict_images
from core.inference.onnx_engine import OnnxEngine, write_onnx
from core.inference.openvino_model import model_place
from core.measure.measurement import Way
from core.measure.measuring import time_ways
from core.measure.runner import Setting
from core.models import Checkpoint, facts, load_network
from core.progress import Progress, silent
from core.store import FeatureStore, Predictions

ROUNDS = 30


def export(
    dataset: Dataset,
    checkpoint: Checkpoint,
    target: str,
    *,
    cache: Path,
    split: str = "test",
    rounds: int = ROUNDS,
    progress: Progress = silent,
) -> ExportReport:
    """Write `checkpoint` as `target` below `cache`, check it on `split` and time it beside float32.

    int8 is calibrated with the data set's training images, and its predictions go into the feature store.
    Raises SelectionError for an unknown target, InferenceError where this machine or the network cannot do
    it, StoreError or OSError (disk full), and Cancelled from `progress`.
    """
    form = _target(target)
    rows = dataset.split_mask(split)
    place = export_place(cache, target, checkpoint.hash, dataset.fingerprint, split)
    calibration = Calibration.of(dataset) if form.precision == "int8" else None
    if form.engine == "onnxruntime":
        progress(0, 0, "writing the ONNX file")
        with atomic_path(_made(place) / form.files[0]) as temporary:
            write_onnx(load_network(checkpoint), checkpoint.card.preprocessing.size, temporary)
        exact, variant = _onnx_answers(dataset, checkpoint, place / form.files[0], rows, cache, progress)
    else:
        exact, variant = _stored_answers(dataset, checkpoint, form, rows, cache, progress)
        made = model_place(checkpoint, cache / "openvino", calibration)
        for name in form.files:
            atomic_write(_made(place) / name, (made / name).read_bytes())
    report = ExportReport(
        target=target,
        checkpoint_hash=checkpoint.hash,
        checkpoint_name=checkpoint.name,
        data_name=dataset.name,
        fingerprint=dataset.fingerprint,
        split=split,
        agreement=agreement(dataset, exact, variant, rows),
        ways=_timed(checkpoint, form, place / form.files[0], cache, calibration, rounds, progress),
        file_bytes=sum((place / name).stat().st_size for name in form.files),
        calibrated_on="" if calibration is None else f"{len(calibration.files)} images ({calibration.split})",
        hardware=facts.hardware(),
        versions=facts.versions(),
        created=facts.now(),
        path=place.resolve(),
    )
    keep_report(report)
    return report


def copy_export(report: ExportReport, folder: Path) -> None:
    """Copy the files and the report to `folder`. Raises OSError."""
    for file in report.path.iterdir():
        if file.is_file() and not file.name.startswith("."):
            atomic_write(folder / file.name, file.read_bytes())


def _target(name: str) -> Target:
    if name not in TARGETS:
        raise SelectionError(
            f"There is no form '{name}'", cause=f"The forms are: {', '.join(TARGETS)}.", fix="Choose one."
        )
    return TARGETS[name]


def _made(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    return place


def _stored_answers(
    dataset: Dataset,
    checkpoint: Checkpoint,
    form: Target,
    rows: npt.NDArray[np.bool_],
    cache: Path,
    progress: Progress,
) -> tuple[Predictions, Predictions]:
    """What OpenVINO says in float32 and in the form, through the feature store."""
    store = FeatureStore(cache)

    def said(precision: str, wanted: npt.NDArray[np.bool_] | None) -> Predictions:
        store.index(
            dataset, checkpoint, engine="openvino", precision=precision, rows=wanted, progress=progress
        )
        return store.predictions(dataset, checkpoint, engine="openvino", precision=precision)

    new = not store.status(dataset, checkpoint).done  # then pages will want every row in float32
    variant = said(form.precision, rows)
    return said("f32", None if new else rows), variant


def _onnx_answers(
    dataset: Dataset,
    checkpoint: Checkpoint,
    file: Path,
    rows: npt.NDArray[np.bool_],
    cache: Path,
    progress: Progress,
) -> tuple[Predictions, Predictions]:
    """What eager torch and ONNX Runtime say of the rows, computed now."""
    exact = open_engine(checkpoint, "torch", "f32", cache=cache)
    variant = OnnxEngine(file, checkpoint.taxonomy.names)
    return (
        _predicted(dataset, checkpoint, exact, rows, _named(progress, "checking: torch")),
        _predicted(dataset, checkpoint, variant, rows, _named(progress, "checking: onnxruntime")),
    )


def _predicted(
    dataset: Dataset,
    checkpoint: Checkpoint,
    engine: Engine,
    rows: npt.NDArray[np.bool_],
    progress: Progress,
) -> Predictions:
    chosen = np.flatnonzero(rows)
    present = np.zeros(len(dataset), dtype=bool)
    embeddings = np.full((len(dataset), checkpoint.card.embedding_dim), np.nan, np.float32)
    logits = {
        task.name: np.full((len(dataset), len(task.labels)), np.nan, np.float32)
        for task in checkpoint.taxonomy.tasks
    }
    files = [dataset.file(int(row)) for row in chosen]
    for batch in predict_images(engine, checkpoint.card.preprocessing, files, progress=progress):
        if len(batch.positions):
            at = chosen[batch.positions]
            present[at], embeddings[at] = True, batch.outputs.embeddings
            for task, values in batch.outputs.logits.items():
                logits[task][at] = values
    return Predictions(
        dataset_fingerprint=dataset.fingerprint,
        checkpoint_hash=checkpoint.hash,
        checkpoint_name=checkpoint.name,
        taxonomy=checkpoint.taxonomy,
        present=present,
        logits=logits,
        temperature=dict(checkpoint.card.temperature),
        engine=engine.name,
        precision=engine.precision,
        load=lambda: embeddings,
    )


def _timed(
    checkpoint: Checkpoint,
    form: Target,
    file: Path,
    cache: Path,
    calibration: Calibration | None,
    rounds: int,
    progress: Progress,
) -> tuple[Way, ...]:
    """Eager torch and OpenVINO in float32, and the form, taking turns. Raises InferenceError."""
    folders = (checkpoint.path.resolve(), cache.resolve())
    own = file.resolve() if form.engine == "onnxruntime" else None
    settings = [
        Setting(*folders, "torch", "f32"),
        Setting(*folders, "openvino", "f32"),
        Setting(*folders, form.engine, form.precision, calibration, own),
    ]
    ways, refused = time_ways(checkpoint, settings, rounds, progress=progress)
    if refused:
        name, why = next(iter(refused.items()))
        raise InferenceError(f"{name} does not run here", cause=why, fix="Free some memory and try again.")
    return ways


def _named(progress: Progress, note: str) -> Progress:
    return lambda done, total, _: progress(done, total, note)
