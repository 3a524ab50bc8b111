"""What the chosen checkpoints cost in every form that was measured, beside their accuracy on one head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.evaluation import scores
from core.evaluation.estimate import Estimate
from core.export import ExportReport, read_reports
from core.export.report import REPORT
from core.measure import Measurement, Way, read_measurements
from core.models import Checkpoint
from core.models.checkpoint import WEIGHTS
from pages.ui import resources
from pages.ui.compare_members import Members, line

BATCHES = (1, 8)


@dataclass(frozen=True)
class CostRow:
    """One checkpoint in one form; `way` and `measurement` are None where it was not measured."""

    checkpoint: Checkpoint
    measurement: Measurement | None
    way: Way | None
    accuracy: Estimate | None

    @property
    def name(self) -> str:
        """E.g. "name · openvino int8"."""
        return self.checkpoint.name if self.way is None else f"{self.checkpoint.name} · {self.way.name}"

    @property
    def file_mb(self) -> float:
        """The weights' size on disk in this form, in MB."""
        weights = self.checkpoint.path / WEIGHTS
        own = weights.stat().st_size if weights.exists() else math.nan
        return (own if self.way is None or not self.way.file_bytes else self.way.file_bytes) / 1e6

    @property
    def gflop(self) -> float:
        """10^9 operations an image; NaN where it was not measured."""
        return math.nan if self.measurement is None else self.measurement.flops / 1e9

    def latency(self, batch: int) -> tuple[float, float, float]:
        """Median and 95th percentile in ms of one call, and ms an image; NaN where it was not measured."""
        if self.way is None or batch not in {found.batch for found in self.way.latency}:
            return math.nan, math.nan, math.nan
        found = self.way.at(batch)
        return found.p50, found.p95, found.per_image


def cost_rows(group: Members, task: str) -> list[CostRow]:
    """Every checkpoint in every form, the checkpoints in their order."""
    return [row for checkpoint in group.checkpoints for row in _rows(group, task, checkpoint)]


def measurement(checkpoint: Checkpoint) -> Measurement | None:
    """The newest measurement of a checkpoint, None where there is none."""
    cache = resources.settings().cache
    found = _measurements(checkpoint.hash, str(cache), _stamp(cache / "measurements" / checkpoint.hash, "*"))
    return found[0] if found else None


def reports(group: Members, checkpoint: Checkpoint) -> dict[str, ExportReport]:
    """What was exported of a checkpoint and checked on the data set's test split, by form."""
    data, cache = group.view.dataset, resources.settings().cache
    split = "test" if "test" in data.splits else data.splits[-1]
    stamp = _stamp(cache / "exports", f"*/{REPORT}")
    return _reports(checkpoint.hash, data.fingerprint, split, str(cache), stamp)


def _rows(group: Members, task: str, checkpoint: Checkpoint) -> list[CostRow]:
    heads = group.heads(task)
    exact = (
        line(group, checkpoint.name, task, heads[checkpoint.name]).scores.accuracy
        if checkpoint.name in heads
        else None
    )
    found = measurement(checkpoint)
    ways = () if found is None else found.ways
    known = {way.name for way in ways}
    exported = [report.ways[-1] for report in reports(group, checkpoint).values() if report.ways]
    ways = (*ways, *(way for way in exported if way.name not in known))
    if not ways:
        return [CostRow(checkpoint, found, None, exact)]
    return [
        CostRow(
            checkpoint,
            found,
            way,
            _int8_accuracy(group, task, checkpoint) if way.precision == "int8" else exact,
        )
        for way in ways
    ]


def _int8_accuracy(group: Members, task: str, checkpoint: Checkpoint) -> Estimate | None:
    """The accuracy of the int8 form; None where it has not looked at every image of the selection."""
    data = group.view.dataset
    predicted = resources.indexed(data, checkpoint, "int8")
    if predicted is None or task not in predicted.taxonomy or not predicted.present[group.mask].all():
        return None
    return scores(resources.outcomes(data, predicted, task), group.mask).accuracy


Stamp = tuple[tuple[str, int], ...]


def _stamp(folder: Path, pattern: str) -> Stamp:
    return tuple(sorted((str(file), file.stat().st_mtime_ns) for file in folder.glob(pattern)))


@st.cache_resource(show_spinner=False, max_entries=64)
def _measurements(checkpoint: str, cache: str, stamp: Stamp) -> list[Measurement]:
    return read_measurements(Path(cache), checkpoint)


@st.cache_resource(show_spinner=False, max_entries=64)
def _reports(
    checkpoint: str, fingerprint: str, split: str, cache: str, stamp: Stamp
) -> dict[str, ExportReport]:
    return read_reports(Path(cache), checkpoint, fingerprint, split)
