"""The selection: which data set, checkpoint, head and rows a page is about; a value that a link carries."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from core.errors import SelectionError

if TYPE_CHECKING:
    from core.data import Dataset
    from core.evaluation.outcomes import Outcomes

Outcome = Literal["all", "right", "wrong", "missing"]
OUTCOMES: tuple[Outcome, ...] = ("all", "right", "wrong", "missing")
Precision = Literal["auto", "int8"]
PRECISIONS: tuple[Precision, ...] = ("auto", "int8")
ALL_SPLITS = "all"
KEYS = {
    "dataset": "data",
    "checkpoint": "model",
    "task": "head",
    "split": "split",
    "precision": "precision",
    "truth": "truth",
    "prediction": "pred",
    "outcome": "outcome",
    "confidence": "conf",
    "where": "where",
    "query": "q",
    "slices": "slice",
}
"""Field -> the name of its query parameter."""

_LONGEST = 2000
_MOST = 64


@dataclass(frozen=True)
class Selection:
    """What a page is about. Empty strings and tuples do not restrict; the default is the whole test split."""

    dataset: str = ""
    checkpoint: str = ""
    task: str = ""
    split: str = "test"
    truth: tuple[str, ...] = ()
    prediction: tuple[str, ...] = ()
    outcome: Outcome = "all"
    confidence: tuple[float, float] = (0.0, 1.0)
    """Lowest and highest confidence, both within [0, 1] and both included."""
    where: tuple[tuple[str, str], ...] = ()
    """(column, label) pairs over tasks and metadata: labels of one column widen, columns narrow."""
    query: str = ""
    """Words that all occur in the caption, the file's path or the instance id, in any case."""
    slices: tuple[str, ...] = ()
    """Names of saved slices (`core.slices`); several widen."""
    precision: Precision = "auto"
    """Whose predictions: "auto" is whatever was indexed in float32 or bf16."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a link asked for and could not have, in words for the visitor."""

    def to_query(self) -> dict[str, str]:
        """Query parameters that `from_query` turns back into this selection; defaults are left out."""
        return {
            KEYS[name]: _write(name, getattr(self, name))
            for name in KEYS
            if getattr(self, name) != _DEFAULTS[name]
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Selection:
        """Read query parameters. A value without sense becomes the default and a note; nothing raises."""
        values: dict[str, Any] = {}
        notes: list[str] = []
        for name, key in KEYS.items():
            if key not in query:
                continue
            try:
                values[name] = _read(name, _clean(query[key]))
            except (ValueError, TypeError, RecursionError):
                notes.append(f"The link's '{key}' could not be read and was left out.")
        return cls(**values, notes=tuple(notes))

    def fitted(
        self, dataset: Dataset, labels: Iterable[str] | None = None, slices: Iterable[str] | None = None
    ) -> Selection:
        """This selection with what `dataset` (the head's `labels`, the saved `slices`) does not have left
        out, and noted."""
        notes = list(self.notes)
        split = self.split
        if split != ALL_SPLITS and split not in dataset.splits:
            split = dataset.splits[-1] if dataset.splits else ALL_SPLITS
            notes.append(f"There is no split '{self.split}' here; showing '{split}'.")
        known_columns = columns(dataset)
        where = tuple(pair for pair in self.where if pair[0] in known_columns)
        notes += [f"There is no column '{name}' here." for name, _ in self.where if name not in known_columns]
        changes: dict[str, Any] = {"split": split, "where": where}
        if slices is not None:
            saved = set(slices)
            changes["slices"] = tuple(name for name in self.slices if name in saved)
            notes += [f"There is no slice '{name}' here." for name in self.slices if name not in saved]
        if labels is not None:
            known = set(labels)
            for name in ("truth", "prediction"):
                wanted = getattr(self, name)
                changes[name] = tuple(label for label in wanted if label in known)
                notes += [f"This head has no label '{label}'." for label in wanted if label not in known]
        return replace(self, **changes, notes=tuple(notes))

    def cleared(self) -> Selection:
        """The same data set, checkpoint, precision, head and split without any filter."""
        return Selection(self.dataset, self.checkpoint, self.task, self.split, precision=self.precision)

    @property
    def filtered(self) -> bool:
        """Whether anything but the split restricts the rows."""
        return self != self.cleared()

    def mask(
        self, dataset: Dataset, outcomes: Outcomes, slices: Mapping[str, npt.NDArray[np.bool_]] | None = None
    ) -> npt.NDArray[np.bool_]:
        """The rows (N,) bool of `dataset` that this selection keeps; `slices` has those of each saved one.

        Raises DataError: unknown split; SelectionError: a slice that `slices` does not have.
        """
        keep = dataset.split_mask(self.split)
        if self.slices:
            keep = keep & _in_slices(self.slices, slices or {})
        if self.truth:
            keep = keep & _among(outcomes.truth, outcomes.labels, self.truth)
        if self.prediction:
            keep = keep & _among(outcomes.prediction, outcomes.labels, self.prediction)
        if self.outcome != "all":
            keep = keep & _of_outcome(outcomes, self.outcome)
        low, high = self.confidence
        if (low, high) != (0.0, 1.0):
            with np.errstate(invalid="ignore"):
                keep = keep & (outcomes.confidence >= low - 1e-6) & (outcomes.confidence <= high + 1e-6)
        for column in dict.fromkeys(column for column, _ in self.where):
            wanted = [label for name, label in self.where if name == column]
            keep = keep & dataset.table[column].astype(str).isin(wanted).to_numpy()
        return keep & _matching(dataset, self.query) if self.query.strip() else keep

    def describe(self) -> str:
        """One line of plain text that names the split and every filter."""
        low, high = self.confidence
        parts = [
            "all splits" if self.split == ALL_SPLITS else f"{self.split} split",
            f"truth: {', '.join(self.truth)}" if self.truth else "",
            f"predicted: {', '.join(self.prediction)}" if self.prediction else "",
            "" if self.outcome == "all" else f"only {self.outcome}",
            "" if (low, high) == (0.0, 1.0) else f"confidence {low:.2f} to {high:.2f}",
            *(f"{column}: {label}" for column, label in self.where),
            f'text: "{self.query}"' if self.query else "",
            f"slice: {', '.join(self.slices)}" if self.slices else "",
        ]
        return " · ".join(part for part in parts if part)


_DEFAULTS = {item.name: item.default for item in fields(Selection)}


def columns(dataset: Dataset) -> tuple[str, ...]:
    """The columns that `Selection.where` may name: every task and every metadata column."""
    return (*dataset.taxonomy.names, *dataset.metadata)


def _among(
    codes: npt.NDArray[np.int32], labels: tuple[str, ...], wanted: tuple[str, ...]
) -> npt.NDArray[np.bool_]:
    return np.isin(codes, [code for code, label in enumerate(labels) if label in wanted])


def _in_slices(names: Iterable[str], slices: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    missing = [name for name in names if name not in slices]
    if missing:
        raise SelectionError(
            f"There is no slice '{missing[0]}' here",
            cause="It was renamed or deleted.",
            fix="Choose another.",
        )
    return np.asarray(np.logical_or.reduce([slices[name] for name in names]), dtype=bool)


def _of_outcome(outcomes: Outcomes, outcome: Outcome) -> npt.NDArray[np.bool_]:
    found = {
        "missing": outcomes.prediction < 0,
        "right": outcomes.scored & outcomes.correct,
        "wrong": outcomes.scored & ~outcomes.correct,
    }[outcome]
    return np.asarray(found, dtype=bool)


def _matching(dataset: Dataset, query: str) -> npt.NDArray[np.bool_]:
    caption, path, instance = (dataset.table[name].astype(str) for name in ("caption", "path", "instance_id"))
    text = (caption + "\n" + path + "\n" + instance).str.casefold()
    keep = np.ones(len(text), dtype=bool)
    for word in query.casefold().split():
        keep &= text.str.contains(word, regex=False).to_numpy(dtype=bool)
    return keep


def _clean(value: object) -> str:
    text = str(value)
    if len(text) > _LONGEST or not text.isprintable():
        raise ValueError("too long, or not printable")
    return text


def _write(name: str, value: Any) -> str:
    if name == "confidence":
        return f"{value[0]:.4f}-{value[1]:.4f}"
    if name == "where":
        return _pack([f"{quote(column, safe=' ')}:{label}" for column, label in value])
    return _pack(value) if isinstance(value, tuple) else str(value)


def _read(name: str, text: str) -> Any:
    if name == "outcome":
        return OUTCOMES[OUTCOMES.index(cast(Outcome, text))]
    if name == "precision":
        return PRECISIONS[PRECISIONS.index(cast(Precision, text))]
    if name == "confidence":
        low, high = (float(part) for part in text.split("-"))
        if not (math.isfinite(low) and math.isfinite(high) and 0 <= low <= high <= 1):
            raise ValueError(text)
        return low, high
    if name == "where":
        pairs = (part.partition(":") for part in _unpack(text))
        return tuple((unquote(column), label) for column, _, label in pairs)
    return _unpack(text) if name in ("truth", "prediction", "slices") else text


def _pack(values: Iterable[str]) -> str:
    """One label as it is, several (or one that could be mistaken for a list) as JSON."""
    listed = list(values)
    plain = len(listed) == 1 and not listed[0].startswith("[") and listed[0] != ""
    return listed[0] if plain else json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


def _unpack(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return (text,) if text else ()
    listed = json.loads(text)
    if len(listed) > _MOST or not all(isinstance(item, str) for item in listed):
        raise ValueError(text)
    return tuple(dict.fromkeys(listed))
