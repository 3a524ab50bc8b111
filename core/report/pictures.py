"""The worst mistakes of a head with their pictures, as they go into the report."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.data import Dataset
from core.evaluation import Outcomes, rank_mistakes
from core.evaluation.outcomes import Mask

Thumbnails = Callable[[Iterable[str]], Mapping[str, bytes]]
NOTHING = "no prediction"


@dataclass(frozen=True)
class Answer:
    """What another checkpoint says about the same image."""

    name: str
    label: str
    confidence: float
    right: bool


@dataclass(frozen=True)
class Mistake:
    """One image taken for something else; `picture` is a data: address, "" where there is no thumbnail."""

    path: str
    caption: str
    instance: str
    truth: str
    prediction: str
    confidence: float
    picture: str
    others: tuple[Answer, ...]


def worst_mistakes(
    dataset: Dataset,
    head: Outcomes,
    rows: Mask,
    thumbnails: Thumbnails,
    *,
    others: Mapping[str, Outcomes],
    most: int,
) -> tuple[Mistake, ...]:
    """The `most` surest mistakes among the rows (N,), the surest first, and what `others` say of them."""
    chosen = [int(row) for row in rank_mistakes(head, rows, "confidence")[:most]]
    shas = [str(sha) for sha in dataset.table["sha"].iloc[chosen]]
    pictures = thumbnails(shas)
    return tuple(
        _mistake(dataset, head, row, pictures.get(sha), others) for row, sha in zip(chosen, shas, strict=True)
    )


def data_address(jpeg: bytes | None) -> str:
    """A JPEG as a data: address, which asks no server; "" for None."""
    return "" if jpeg is None else "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _mistake(
    dataset: Dataset, head: Outcomes, row: int, jpeg: bytes | None, others: Mapping[str, Outcomes]
) -> Mistake:
    table = dataset.table
    return Mistake(
        path=str(table["path"].iat[row]),
        caption=str(table["caption"].iat[row]),
        instance=str(table["instance_id"].iat[row]),
        truth=head.labels[head.truth[row]],
        prediction=head.labels[head.prediction[row]],
        confidence=float(head.confidence[row]),
        picture=data_address(jpeg),
        others=tuple(_answer(name, other, row) for name, other in others.items()),
    )


def _answer(name: str, head: Outcomes, row: int) -> Answer:
    code = int(head.prediction[row])
    if code < 0:
        return Answer(name, NOTHING, 0.0, False)
    return Answer(name, head.labels[code], float(head.confidence[row]), bool(head.correct[row]))
