"""How long work tells how far it is, and how it is stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""`progress(done, total, note)`, called often; it raises `core.errors.Cancelled` to stop the work."""


def silent(done: int, total: int, note: str) -> None:
    """A progress callback that shows nothing and never cancels."""


LINES = "VITRINE_PROGRESS"
"""Environment variable: "lines" makes commands report progress to another program, with `json_lines`."""


def json_lines(done: int, total: int, note: str) -> None:
    """Report on stderr, one JSON object a line: {"done": 3, "total": 600, "note": "..."}."""
    print(json.dumps({"done": done, "total": total, "note": note}), file=sys.stderr, flush=True)
