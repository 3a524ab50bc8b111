"""A run's folder: what the trainer writes there about itself, and how others read it.

spec.json       what was asked for
status.json     what the run last said of itself (replaced atomically; also its heartbeat)
process.json    which process trains
metrics.jsonl   one record per finished epoch
log.txt         everything it printed
last.safetensors, best.safetensors, events/, preflight.json, verdict.json
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from core.files import atomic_write, atomic_write_json
from training.jobs.identity import ProcessIdentity, boot_id
from training.recipe import Part

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
BEAT_SECONDS = 1.0
SILENT_SECONDS = 120.0
"""Without a sign of life for this long, a run that still has a process is shown as silent."""


class Status(Part):
    """What a run says of itself."""

    attempt: int = 0
    state: Literal["starting", "running", "finished", "cancelled", "failed"] = "starting"
    stage: str = ""
    """What it is doing: decoding, training, evaluating, indexing."""
    phase: str = ""
    epoch: int = 0
    """Epochs finished."""
    epochs: int = 0
    step: int = 0
    """Steps finished in this epoch."""
    steps: int = 0
    progress: float = Field(default=0.0, ge=0, le=1)
    eta_s: float | None = None
    device: str = ""
    precision: str = ""
    images_per_second: float | None = None
    reason: str = ""
    checkpoint: str = ""
    """Folder of the finished checkpoint."""
    beat: int = 0
    """Rises with every write."""
    monotonic: float = 0.0
    """Seconds since boot when it was written; no change of the wall clock moves them."""
    boot: str = ""

    @property
    def silence_s(self) -> float | None:
        """Seconds since the run last gave a sign of life; None after a reboot."""
        return max(0.0, time.monotonic() - self.monotonic) if self.boot == boot_id() else None


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec = path / "spec.json"
        self.status_file = path / "status.json"
        self.process_file = path / "process.json"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "log.txt"
        self.last = path / "last.safetensors"
        self.best = path / "best.safetensors"
        self.events = path / "events"
        self.preflight = path / "preflight.json"
        self.verdict = path / "verdict.json"
        self.lock = path / "run.lock"

    def read_status(self) -> Status | None:
        """The last status, or None where there is none that can be read."""
        try:
            return Status.model_validate_json(self.status_file.read_bytes())
        except (OSError, ValidationError):
            return None

    def write_status(self, status: Status) -> None:
        """Replace the status atomically. Raises OSError."""
        atomic_write(self.status_file, status.model_dump_json() + "\n")

    def write_process(self, attempt: int) -> None:
        """Record that this process trains, for whoever finds the run again. Raises OSError."""
        atomic_write_json(self.process_file, {"attempt": attempt, **asdict(ProcessIdentity.current())})

    def read_process(self) -> tuple[int, ProcessIdentity] | None:
        """Attempt and identity of the process that trains or trained last."""
        value = self.read_json(self.process_file)
        if not isinstance(value, dict):
            return None
        try:
            identity = ProcessIdentity(int(value["pid"]), str(value["started"]), str(value["boot"]))
            return int(value["attempt"]), identity
        except (KeyError, TypeError, ValueError):
            return None

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add one epoch's record and make it durable. Raises OSError, ValueError for NaN."""
        line = json.dumps(record, allow_nan=False) + "\n"
        with self.metrics_file.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())

    def keep_metrics(self, epochs: int) -> None:
        """Drop the records of epochs that a resumed run will do again (epoch numbers start at 1)."""
        records = self.read_metrics()
        kept = [record for record in records if int(record["epoch"]) <= epochs]
        atomic_write(self.metrics_file, "".join(json.dumps(record) + "\n" for record in kept))

    def read_metrics(self) -> tuple[dict[str, Any], ...]:
        """Every whole record; a line that is still being written is left out."""
        try:
            lines = self.metrics_file.read_bytes().split(b"\n")
        except OSError:
            return ()
        records = (_record(line) for line in lines)
        return tuple(record for record in records if record is not None)

    def read_log(self, offset: int, limit: int) -> tuple[str, int, int]:
        """Clean text of at most `limit` bytes from `offset` (negative: from the end), next offset, size."""
        try:
            size = self.log_file.stat().st_size
            begin = max(0, size + offset) if offset < 0 else min(offset, size)
            with self.log_file.open("rb") as stream:
                stream.seek(begin)
                data = stream.read(max(0, limit))
        except OSError:
            return "", 0, 0
        return plain_text(data), begin + len(data), size

    @staticmethod
    def read_json(path: Path) -> Any:
        """A JSON file of the folder, or None where it is missing or damaged."""
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None


def plain_text(data: bytes) -> str:
    """Log bytes as text that no terminal and no page can be steered by."""
    text = _ANSI.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "epoch" in value else None
