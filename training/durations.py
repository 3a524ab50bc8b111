"""Durations for people."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """E.g. "40 s", "12 min", "3 h 20 min"; "unknown" for None."""
    if seconds is None:
        return "unknown"
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
