"""Which checkpoint is better, and whether these images can tell: pairs, Holm's correction, a leaderboard with
ties."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
from statsmodels.stats.multitest import multipletests

from core.errors import SelectionError
from core.evaluation.estimate import LEVEL, Estimate
from core.evaluation.outcomes import Mask, Outcomes
from core.evaluation.paired import (
    Discordance,
    difference,
    discordance,
    exact_mcnemar,
    more_images,
    object_test,
    smallest_detectable,
)
from core.evaluation.report import accuracy
from core.evaluation.tally import tally

Verdict = Literal["a", "b", "undecided"]


@dataclass(frozen=True)
class Comparison:
    """Checkpoints `a` and `b` on one head: `difference` is accuracy of a minus accuracy of b.

    `counts` says how many images only a, only b are right on. `mcnemar_p` assumes independent images;
    `object_p` does not (None where objects are not known). `p`, which decides, is the one that fits the data
    after Holm's correction over all pairs compared together. The verdict names a or b only where p < 0.05 and
    the interval leaves out 0. `detectable` is the smallest true difference found with 80 % power;
    `more_images` how many more would decide a difference of the size seen (None where there is none).
    """

    a: str
    b: str
    task: str
    difference: Estimate
    counts: Discordance
    mcnemar_p: float
    object_p: float | None
    p: float
    verdict: Verdict
    detectable: float
    more_images: int | None

    @property
    def more_objects(self) -> int | None:
        """How many more objects those images are, with as many images each as here; None where objects are
        not known or nothing has to be decided."""
        found = self.difference
        if self.more_images is None or not found.instances:
            return None
        return math.ceil(self.more_images * found.instances / found.n)

    @property
    def sentence(self) -> str:
        """What a person may quote; plain text."""
        return _sentence(self)

    def to_json(self) -> dict[str, Any]:
        """Keys a, b, task, difference, low, high, mcnemar_p, verdict, and what they rest on."""
        found = self.difference
        return {
            "a": self.a,
            "b": self.b,
            "task": self.task,
            "difference": found.to_json()["value"],
            "low": found.to_json()["low"],
            "high": found.to_json()["high"],
            "n": found.n,
            "instances": found.instances,
            "only_a_right": self.counts.only_a,
            "only_b_right": self.counts.only_b,
            "mcnemar_p": self.mcnemar_p,
            "object_p": self.object_p,
            "p": self.p,
            "verdict": self.verdict,
            "smallest_detectable": self.detectable,
            "more_images": self.more_images,
            "more_objects": self.more_objects,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Standing:
    """A place in the leaderboard: `rank` is 1 + the number of checkpoints that are surely better, so that
    equal ranks are statistical ties; `tied_with` names those it cannot be told apart from."""

    name: str
    rank: int
    accuracy: Estimate
    tied_with: tuple[str, ...]


def compare(members: Mapping[str, Outcomes], rows: Mask) -> tuple[Comparison, ...]:
    """Every pair of `members` (name -> outcomes of one head on one data set) over the rows (N,) whose truth
    is known, in the order given. Raises SelectionError where they are fewer than two or not about the same
    head and labels."""
    _check(members)
    used = rows & next(iter(members.values())).scored
    found = [_pair(a, b, members[a], members[b], used) for a, b in combinations(members, 2)]
    adjusted = multipletests([pair.p for pair in found], method="holm")[1]
    return tuple(_decided(pair, float(p)) for pair, p in zip(found, adjusted, strict=True))


def leaderboard(members: Mapping[str, Outcomes], rows: Mask) -> tuple[Standing, ...]:
    """The members by accuracy, the best first, with statistical ties."""
    pairs = compare(members, rows) if len(members) > 1 else ()
    better: dict[str, set[str]] = {name: set() for name in members}
    tied: dict[str, list[str]] = {name: [] for name in members}
    for pair in pairs:
        if pair.verdict == "undecided":
            tied[pair.a].append(pair.b)
            tied[pair.b].append(pair.a)
        else:
            loser, winner = (pair.b, pair.a) if pair.verdict == "a" else (pair.a, pair.b)
            better[loser].add(winner)
    found = [
        Standing(name, 1 + len(better[name]), accuracy(tally(outcomes, rows)), tuple(tied[name]))
        for name, outcomes in members.items()
    ]
    return tuple(sorted(found, key=lambda place: (place.rank, -np.nan_to_num(place.accuracy.value))))


def _pair(a: str, b: str, first: Outcomes, second: Outcomes, used: Mask) -> Comparison:
    right_a, right_b = first.correct[used], second.correct[used]
    objects = None if first.instances is None else first.instances[used]
    counts = discordance(right_a, right_b, objects)
    independent = exact_mcnemar(counts)
    by_object = None if objects is None else object_test(right_a, right_b, objects)
    return Comparison(
        a=a,
        b=b,
        task=first.task,
        difference=difference(right_a, right_b, objects),
        counts=counts,
        mcnemar_p=independent,
        object_p=by_object,
        p=independent if by_object is None else max(independent, by_object),
        verdict="undecided",
        detectable=smallest_detectable(counts) if counts.n else 1.0,
        more_images=more_images(counts),
    )


def _decided(pair: Comparison, p: float) -> Comparison:
    found = pair.difference
    sure = p < 1 - LEVEL and (found.low > 0 or found.high < 0)
    verdict: Verdict = "undecided" if not sure else "a" if found.value > 0 else "b"
    return Comparison(**{**vars(pair), "p": p, "verdict": verdict})


def _sentence(pair: Comparison) -> str:
    found, counts = pair.difference, pair.counts
    if found.n == 0:
        return f"{pair.a} and {pair.b} share no image whose label is known."
    gap = counts.only_a - counts.only_b
    if gap == 0:
        differ = counts.only_a + counts.only_b
        where = "never differ in being right" if differ == 0 else f"are each right alone on {counts.only_a}"
        return f"{pair.a} and {pair.b} are level on {found.support()}: they {where}."
    ahead, behind = (pair.a, pair.b) if gap > 0 else (pair.b, pair.a)
    lead = f"{ahead} is ahead of {behind} by {abs(found.value) * 100:.1f} points on {found.support()}"
    images = "that is one image" if abs(gap) == 1 else f"that is {abs(gap):,} images"
    if pair.verdict != "undecided":
        return f"{lead}; {images}, and more than chance ({_p(pair.p)})."
    return f"{lead}; {images}; the two cannot be told apart ({_p(pair.p)}).{_advice(pair)}"


def _advice(pair: Comparison) -> str:
    if not pair.more_images:
        return ""
    objects = f" of {_round(pair.more_objects):,} more objects" if pair.more_objects else ""
    return f" About {_round(pair.more_images):,} more images{objects} would decide a lead of this size."


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def _round(value: int) -> int:
    """Two leading digits: more would pretend to know."""
    digits = max(len(str(value)) - 2, 0)
    return round(value, -digits)


def _check(members: Mapping[str, Outcomes]) -> None:
    given = list(members.values())
    if len(given) < 2:
        raise SelectionError(
            "There is nothing to compare", cause="Fewer than two checkpoints.", fix="Choose two or more."
        )
    first = given[0]
    for other in given[1:]:
        if other.task != first.task or not np.array_equal(other.truth, first.truth):
            raise SelectionError(
                "These predictions cannot be compared",
                cause=f"They are about '{first.task}' and '{other.task}' or about different images.",
                fix="Compare checkpoints on one head of one data set.",
            )
