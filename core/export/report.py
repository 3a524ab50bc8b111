"""What an export lost and gained, kept beside its files and believed only while they are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.export.agreement import Agreement
from core.export.targets import TARGETS
from core.files import atomic_write_json, cache_key, sha256_file
from core.measure.measurement import Way

REPORT = "report.json"
_SCHEMA = "export-1"


@dataclass(frozen=True)
class ExportReport:
    """One checkpoint in another form, checked on a split of a data set and timed beside float32.

    `file_bytes` is the size of the files; `ways` were timed taking turns in one run: eager torch and
    OpenVINO in float32, then this form, the last. `calibrated_on` says by how many images of which split (""
    where none were needed). `path` is where the files lie, absolute.
    """

    target: str
    checkpoint_hash: str
    checkpoint_name: str
    data_name: str
    fingerprint: str
    split: str
    agreement: Agreement
    ways: tuple[Way, ...]
    file_bytes: int
    calibrated_on: str
    hardware: str
    versions: Mapping[str, str]
    created: str
    path: Path = field(compare=False)

    def speed_up(self, batch: int, base: int = 0, *, processor: bool = False) -> float:
        """How many times as fast as way number `base` this form is at that batch: median wall-clock time, or
        `processor` time of all threads. Raises SelectionError where it was not timed."""
        slow, fast = self.ways[base].at(batch), self.ways[-1].at(batch)
        if processor:
            return slow.processor / fast.processor
        return slow.p50 / fast.p50

    def to_json(self) -> dict[str, Any]:
        """The documented keys of `python -m core export --json`."""
        names = ("target", "checkpoint_hash", "checkpoint_name", "data_name", "fingerprint", "split")
        return {
            **{name: getattr(self, name) for name in names},
            "agreement": self.agreement.to_json(),
            "ways": [way.to_json() for way in self.ways],
            "speed_up": {
                way.name: {
                    str(found.batch): {
                        "wall": round(self.speed_up(found.batch, base), 3),
                        "processor": round(self.speed_up(found.batch, base, processor=True), 3),
                    }
                    for found in way.latency
                }
                for base, way in enumerate(self.ways[:-1])
            },
            "file_bytes": self.file_bytes,
            "calibrated_on": self.calibrated_on,
            "hardware": self.hardware,
            "versions": dict(self.versions),
            "created": self.created,
            "path": str(self.path),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], path: Path) -> ExportReport:
        """Read `to_json` back, for files that lie in `path`. Raises KeyError, TypeError, ValueError."""
        own = {name: value[name] for name in cls.__dataclass_fields__ if name != "path"}
        own["agreement"] = Agreement.from_json(value["agreement"])
        own["ways"] = tuple(Way.from_json(way) for way in value["ways"])
        return cls(**own, path=path)


def export_place(cache: Path, target: str, checkpoint_hash: str, fingerprint: str, split: str) -> Path:
    """The folder of one export below `cache`."""
    key = cache_key(_SCHEMA, target=target, weights=checkpoint_hash, data=fingerprint, split=split)
    return cache / "exports" / key


def keep_report(report: ExportReport) -> None:
    """Write it beside the files, with their hashes. Raises OSError."""
    files = {name: sha256_file(report.path / name) for name in TARGETS[report.target].files}
    value = report.to_json()
    key = cache_key(_SCHEMA, report=value)
    atomic_write_json(report.path / REPORT, {"key": key, "files": files, "report": value})


def read_report(folder: Path) -> ExportReport | None:
    """The report in `folder`; None where there is none, or it or one of the files is not what was written."""
    try:
        kept = json.loads((folder / REPORT).read_bytes())
        if kept["key"] != cache_key(_SCHEMA, report=kept["report"]):
            return None
        report = ExportReport.from_json(kept["report"], folder)
        whole = all(
            sha256_file(folder / name) == kept["files"][name] for name in TARGETS[report.target].files
        )
        return report if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_reports(cache: Path, checkpoint_hash: str, fingerprint: str, split: str) -> dict[str, ExportReport]:
    """By target, what was exported of a checkpoint and checked on that split of a data set."""
    found = {
        target: read_report(export_place(cache, target, checkpoint_hash, fingerprint, split))
        for target in TARGETS
    }
    return {target: report for target, report in found.items() if report is not None}
