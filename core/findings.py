"""What is most worth a look in a selection: findings with their evidence, most images concerned first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.data import Dataset
from core.evaluation import ClassReport, Outcomes, pairs, rank_mistakes
from core.evaluation.report import accuracy, share
from core.evaluation.tally import tally

Kind = Literal["pair", "class", "mistake", "majority", "unseen", "leak", "twin"]
Mask = npt.NDArray[np.bool_]

SURE = 0.9
"""From this confidence on, a mistake counts as one that the head is sure of."""


@dataclass(frozen=True)
class Finding:
    """One thing worth a look, in plain words; text may hold labels and is not markup."""

    kind: Kind
    title: str
    evidence: str
    concerned: int
    """How many images of the selection it is about: findings are ranked by this."""
    page: str
    """Where it can be looked at: Confusion, Classes, Mistakes or Overview."""
    changes: Mapping[str, object] = field(default_factory=dict)
    """Fields of the selection to change for that page."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Further query parameters of that page."""
    rows: tuple[int, ...] = ()
    """Rows of the table that show it, the most telling first; a few are enough."""


def findings(
    dataset: Dataset, heads: Mapping[str, Outcomes], report: ClassReport, task: str, rows: Mask
) -> list[Finding]:
    """Everything found for head `task` (whose report on `rows` is given), the other heads and the data set.

    One finding of each kind at most, except unseen labels (one per head); most images concerned first.
    """
    outcomes = heads[task]
    found = [
        *_worst_pair(outcomes, rows),
        *_weakest_class(report, outcomes, rows),
        *_surest_mistake(outcomes, rows),
        *_no_better_than_majority(dataset, heads, rows),
        *(finding for name in heads for finding in _unseen(dataset, name, rows)),
        *_leaks(dataset, rows),
    ]
    return sorted(found, key=lambda finding: -finding.concerned)


def _worst_pair(outcomes: Outcomes, rows: Mask) -> Iterator[Finding]:
    grouped = pairs(outcomes, rows)
    if not grouped:
        return
    pair = grouped[0]
    counted = tally(outcomes, rows & (outcomes.truth == outcomes.code(pair.truth)))
    estimate = share(counted, counted.prediction == outcomes.code(pair.prediction))
    yield Finding(
        "pair",
        f"{pair.truth} is taken for {pair.prediction}",
        f"{pair.n} of {estimate.support()}: {estimate.text()}.",
        pair.n,
        "Confusion",
        parameters={"truth": pair.truth, "prediction": pair.prediction},
        rows=tuple(map(int, pair.rows[:3])),
    )


def _weakest_class(report: ClassReport, outcomes: Outcomes, rows: Mask) -> Iterator[Finding]:
    """The class whose F1 is surely lowest: by the upper end of its interval."""
    known = [row for row in report.rows if row.support and row.f1.value < 1]
    if not known:
        return
    row = min(known, key=lambda row: (row.f1.high if row.f1.high == row.f1.high else 1.0, row.f1.value))
    missed = round(row.support * (1 - row.recall.value))
    false = row.predicted - (row.support - missed)
    yield Finding(
        "class",
        f"{row.label} is the weakest label",
        f"F1 {row.f1.text()} on {row.recall.support()}: {missed} missed, {false} wrongly called so.",
        missed + false,
        "Classes",
        parameters={"class": row.label},
        rows=_errors_of(outcomes, rows, outcomes.code(row.label)),
    )


def _errors_of(outcomes: Outcomes, rows: Mask, code: int) -> tuple[int, ...]:
    """The surest mistakes that miss label `code` or wrongly answer it."""
    ranked = rank_mistakes(outcomes, rows & ((outcomes.truth == code) | (outcomes.prediction == code)))
    return tuple(map(int, ranked[:3]))


def _surest_mistake(outcomes: Outcomes, rows: Mask) -> Iterator[Finding]:
    ranked = rank_mistakes(outcomes, rows, "confidence")
    if not len(ranked):
        return
    row = int(ranked[0])
    truth, prediction = (outcomes.labels[int(codes[row])] for codes in (outcomes.truth, outcomes.prediction))
    sure = int((outcomes.confidence[ranked] >= SURE).sum())
    yield Finding(
        "mistake",
        f"A mistake with a confidence of {100 * outcomes.confidence[row]:.1f} %",
        f"{truth} called {prediction}. Mistakes with a confidence of {100 * SURE:.0f} % or more: "
        f"{sure} of {len(ranked)}.",
        max(1, sure),
        "Mistakes",
        rows=tuple(map(int, ranked[:3])),
    )


def _no_better_than_majority(
    dataset: Dataset, heads: Mapping[str, Outcomes], rows: Mask
) -> Iterator[Finding]:
    """Heads whose interval reaches down to always answering the label that is most frequent in training."""
    beaten = [line for outcomes in heads.values() if (line := _against_majority(dataset, outcomes, rows))]
    if not beaten:
        return
    names = [name for name, _, _ in beaten]
    title = f"Head {names[0]} is" if len(beaten) == 1 else f"{len(beaten)} of {len(heads)} heads are"
    yield Finding(
        "majority",
        f"{title} not shown to beat one fixed answer",
        " ".join(line for _, line, _ in beaten),
        max(wrong for _, _, wrong in beaten),
        "Confusion",
        {"task": max(beaten, key=lambda item: item[2])[0], "truth": (), "prediction": ()},
    )


def _against_majority(dataset: Dataset, outcomes: Outcomes, rows: Mask) -> tuple[str, str, int] | None:
    """(task, comparison in words, images it gets wrong) where it is not shown to be better, else None."""
    counted = tally(outcomes, rows)
    codes = dataset.codes(outcomes.task)
    known = codes[(dataset.split_mask("train") if "train" in dataset.splits else rows) & (codes >= 0)]
    if not counted.n or not len(known):
        return None
    majority = int(np.bincount(known).argmax())
    always, reached = share(counted, counted.truth == majority), accuracy(counted)
    if reached.low > always.value or always.value == 1:
        return None
    fixed = f"{100 * always.value:.1f} % for always {outcomes.labels[majority]}"
    return outcomes.task, f"{outcomes.task}: {reached.text()} against {fixed}.", int((~counted.right).sum())


def _unseen(dataset: Dataset, task: str, rows: Mask) -> Iterator[Finding]:
    if "train" not in dataset.splits:
        return
    codes, train = dataset.codes(task), dataset.split_mask("train")
    seen = np.unique(codes[train])
    strange = rows & (codes >= 0) & ~np.isin(codes, seen)
    if strange.any():
        names = [dataset.taxonomy[task].labels[code] for code in np.unique(codes[strange])]
        yield Finding(
            "unseen",
            f"Labels of {task} that training never saw",
            f"{int(strange.sum())} images are labelled {', '.join(names[:4])}; no training image is.",
            int(strange.sum()),
            "Mistakes",
            {"task": task, "truth": tuple(names), "prediction": ()},
            rows=tuple(map(int, np.flatnonzero(strange)[:3])),
        )


def _leaks(dataset: Dataset, rows: Mask) -> Iterator[Finding]:
    """Rows outside training whose object, or whose very file, is in training as well."""
    if "train" not in dataset.splits:
        return
    train = dataset.split_mask("train")
    held_out = rows & ~train
    numbers = (("leak", "objects", dataset.instances), ("twin", "files", dataset.table["sha"].to_numpy()))
    for kind, noun, keys in numbers:
        if kind == "leak" and not dataset.has_instances:
            continue
        leaked = held_out & np.isin(keys, np.unique(keys[train]))
        if leaked.any():
            yield Finding(
                kind,  # type: ignore[arg-type]
                f"Training has seen {noun} of this selection",
                f"{int(leaked.sum())} of {int(held_out.sum())} images show {len(np.unique(keys[leaked]))} "
                f"{noun} that are in the training split too: scores are too good by an unknown amount.",
                int(leaked.sum()),
                "Overview",
                rows=tuple(map(int, np.flatnonzero(leaked)[:3])),
            )
