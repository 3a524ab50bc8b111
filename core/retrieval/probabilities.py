"""What a checkpoint believes of every row, label by label: the probability-weighted way of matching.

A term asks for labels. Within one task the labels exclude each other, so P(term) is the sum of their
calibrated probabilities; a term that reaches labels of several tasks is met by any of them (noisy or); a
negated term by none. docs/retrieval.md derives it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from core.retrieval.query import Term
from core.store.predictions import Predictions

Floats = npt.NDArray[np.float32]

EVERY = slice(None)
FLOOR = 1e-6
"""The least probability that a term can have: one head that is surely wrong must not outweigh all others."""


class Beliefs:
    """Calibrated probabilities of one checkpoint, stored by label so that a term reads whole columns."""

    def __init__(self, predictions: Predictions, rows: npt.NDArray[np.int64] | None = None) -> None:
        self.name = predictions.checkpoint_name
        present = predictions.present
        self.present: npt.NDArray[np.bool_] = present if rows is None else present[rows]
        self._codes: dict[tuple[str, str], int] = {}
        self._columns: dict[str, Floats] = {}
        for task in predictions.taxonomy.tasks:
            table = predictions.probabilities(task.name)
            self._columns[task.name] = np.ascontiguousarray((table if rows is None else table[rows]).T)
            self._codes |= {(task.name, label): code for code, label in enumerate(task.labels)}
        self.labels = {task.name: task.labels for task in predictions.taxonomy.tasks}

    def __len__(self) -> int:
        return len(self.present)

    def knows(self, term: Term) -> bool:
        """Whether the checkpoint has at least one of the term's labels."""
        return any((option.task, option.label) in self._codes for option in term.options)

    def label(self, task: str, label: str) -> Floats | None:
        """P(label | row) (N,) float32, NaN where absent; None where the checkpoint has no such label."""
        code = self._codes.get((task, label))
        return None if code is None else self._columns[task][code]

    def top(self, task: str, row: int) -> str:
        """The predicted label of `task` for `row`; "" where there is none."""
        if task not in self._columns or not self.present[row]:
            return ""
        return self.labels[task][int(self._columns[task][:, row].argmax())]

    def predicted(self, task: str) -> npt.NDArray[np.int32]:
        """Codes (N,) int32 of the predicted labels of `task`, -1 where absent."""
        columns = np.nan_to_num(self._columns[task], nan=-1.0)
        return np.where(self.present, columns.argmax(axis=0), -1).astype(np.int32)

    def term(self, term: Term, rows: slice = EVERY) -> Floats | None:
        """P(term | row) of all `rows`, float32 in [0, 1], NaN where absent; None where no label is known."""
        by_task: dict[str, Floats] = {}
        for option in term.options:
            column = self.label(option.task, option.label)
            if column is not None:
                column = column[rows]
                seen = by_task.get(option.task)
                by_task[option.task] = column if seen is None else seen + column
        if not by_task:
            return None
        met, *others = by_task.values()
        for other in others:
            met = 1 - (1 - met) * (1 - other)
        return np.asarray(1 - met if term.negated else met, dtype=np.float32)


def mean_term(sources: Sequence[Beliefs], term: Term) -> Floats | None:
    """P(term | row) averaged over the checkpoints that know the term; None where none does."""
    known = [column for source in sources if (column := source.term(term)) is not None]
    if not known:
        return None
    return known[0] if len(known) == 1 else np.mean(known, axis=0, dtype=np.float32)


def log_sum(terms: Iterable[Floats]) -> Floats | None:
    """Sum of log P over terms, each (N,) and at least `FLOOR`; -inf where a row is absent; None without
    terms."""
    total: Floats | None = None
    for column in terms:
        logs = np.log(np.maximum(column, np.float32(FLOOR)))
        total = logs if total is None else total + logs
    return None if total is None else _absent_last(total)


def plain_sum(terms: Iterable[Floats]) -> Floats | None:
    """Sum of P over terms (N,); -inf where a row is absent; None without terms."""
    total: Floats | None = None
    for column in terms:
        total = column if total is None else total + column
    return None if total is None else _absent_last(total)


def _absent_last(scores: Floats) -> Floats:
    return np.where(np.isnan(scores), np.float32(-np.inf), scores)
