"""One progress bar over several steps whose lengths are known only roughly."""

from __future__ import annotations

from core.progress import Progress

WHOLE = 1000


def stage(progress: Progress, begin: float, end: float) -> Progress:
    """A callback for one step that fills the whole bar from `begin` to `end`, shares in [0, 1]."""

    def report(done: int, total: int, note: str) -> None:
        share = begin + (end - begin) * (min(done / total, 1.0) if total > 0 else 0.0)
        progress(round(WHOLE * share), WHOLE, note)

    return report
