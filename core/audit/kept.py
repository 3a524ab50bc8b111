"""Audits that were made, kept as JSON files in the cache: `python -m core audit --out` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.data.dataset import Dataset

FOLDER = "audits"
LARGEST = 256 * 1024 * 1024
NEEDED = ("label_issues", "learnability", "near_duplicates", "slices", "slices_of")


def audit_file(cache: Path, dataset: Dataset, checkpoint_hash: str) -> Path:
    """Where the audit of `dataset` by the features of that checkpoint lies."""
    return cache / FOLDER / f"{dataset.fingerprint}-{checkpoint_hash[:16]}.json"


def read_audit(file: Path) -> dict[str, Any] | None:
    """What an audit wrote (`Audit.to_json`), or None where there is none that can be read."""
    try:
        value = json.loads(file.read_text("utf-8")) if file.stat().st_size <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    complete = isinstance(value, dict) and all(name in value for name in NEEDED)
    return value if complete else None


def newest_audit_file(cache: Path, dataset: Dataset) -> Path | None:
    """The file of the newest audit of `dataset` as it is, by whichever features; None where there is none."""
    kept = (cache / FOLDER).glob(f"{dataset.fingerprint}-*.json")
    return max(kept, key=lambda file: (file.stat().st_mtime_ns, file.name), default=None)


def newest_audit(cache: Path, dataset: Dataset) -> dict[str, Any] | None:
    """What that audit found, or None where there is none that can be read."""
    file = newest_audit_file(cache, dataset)
    return None if file is None else read_audit(file)
