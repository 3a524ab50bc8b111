"""The confusion matrix as it is drawn: which labels, in which order, and what stands in each cell."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.evaluation.confusion import NO_PREDICTION, Confusion, Normalisation, Order

DENOMINATORS: dict[str, str] = {
    "count": "Each cell counts images.",
    "row": "Each cell is a share of its row: of the images whose truth is that label.",
    "column": "Each cell is a share of its column: of the images that were predicted to be that label.",
    "all": "Each cell is a share of all images in the matrix.",
}
"""What the numbers in the cells are divided by, per normalisation."""


@dataclass(frozen=True, eq=False)
class MatrixFigure:
    """A matrix ready to be drawn. `rows` and `columns` are label codes in the order of drawing.

    `cells` (K, 3) int64: row position, column position, images; non-empty cells only.
    `values` (K,) float64: what is written in them, a count or a share. Code L, if present, is the
    column of images without a prediction.
    """

    labels: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    row_totals: npt.NDArray[np.int64]
    column_totals: npt.NDArray[np.int64]
    by: Normalisation
    n: int
    hidden: int
    """How many labels are left out."""
    hidden_images: int
    """How many images lie in cells that are left out with them."""

    def name(self, code: int) -> str:
        """The label of a code; `NO_PREDICTION` for the last column."""
        return self.labels[code] if code < len(self.labels) else NO_PREDICTION

    def to_json(self) -> dict[str, Any]:
        """The figure for a browser: plain lists and short keys, cells as flat triples."""
        return {
            "names": [*self.labels, NO_PREDICTION],
            "rows": self.rows.tolist(),
            "columns": self.columns.tolist(),
            "cells": self.cells.ravel().tolist(),
            "values": [round(float(value), 4) for value in self.values],
            "rowTotals": self.row_totals.tolist(),
            "columnTotals": self.column_totals.tolist(),
            "by": self.by,
            "n": self.n,
        }


def matrix_figure(
    confusion: Confusion,
    by: Normalisation = "row",
    order: Order = "label",
    *,
    hide_empty: bool = False,
    most: int | None = None,
) -> MatrixFigure:
    """Lay out `confusion`. `hide_empty` leaves out labels that no image has, as truth or prediction.

    `most` (2 or more) keeps so many labels, those of the largest confusions first: many labels stay readable.
    Shares are of all images, drawn or not.
    """
    size = len(confusion.labels)
    counts = confusion.counts
    codes = confusion.order(order)
    if hide_empty:
        used = counts.sum(axis=1) + counts[:, :size].sum(axis=0) > 0
        codes = codes[used[codes]]
    if most is not None:
        codes = codes[np.isin(codes, _most_confused(confusion)[:most])]
    columns = np.append(codes, size) if counts[:, size].any() else codes
    shown = counts[np.ix_(codes, columns)]
    shares = confusion.normalised(by)[np.ix_(codes, columns)]
    rows_at, columns_at = np.nonzero(shown)
    return MatrixFigure(
        labels=confusion.labels,
        rows=codes,
        columns=columns,
        cells=np.stack([rows_at, columns_at, shown[rows_at, columns_at]], axis=1).astype(np.int64),
        values=shares[rows_at, columns_at],
        row_totals=counts.sum(axis=1)[codes],
        column_totals=counts.sum(axis=0)[columns],
        by=by,
        n=confusion.n,
        hidden=size - len(codes),
        hidden_images=int(counts.sum() - shown.sum()),
    )


def _most_confused(confusion: Confusion) -> npt.NDArray[np.int64]:
    """All labels: both sides of the largest confusion, of the next one, ...; at last those without any."""
    size = len(confusion.labels)
    wrong = confusion.counts[:, :size].copy()
    np.fill_diagonal(wrong, 0)
    worst = np.argsort(-wrong, axis=None, kind="stable")[: int((wrong > 0).sum())]
    pairs = np.stack(np.unravel_index(worst, wrong.shape), axis=1).ravel()
    ordered = np.concatenate([pairs, confusion.order("error")])
    return ordered[np.sort(np.unique(ordered, return_index=True)[1])]


def matrix_csv(figure: MatrixFigure) -> str:
    """The drawn matrix as CSV: a row per true label, counts or shares to six digits, "" where undefined."""
    table = np.zeros((len(figure.rows), len(figure.columns)))
    table[figure.cells[:, 0], figure.cells[:, 1]] = figure.values
    totals = {"row": figure.row_totals[:, None], "column": figure.column_totals[None, :]}.get(figure.by)
    if totals is not None:
        table = np.where(totals > 0, table, math.nan)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        [_cell(f"truth / predicted ({figure.by})"), *(_cell(figure.name(c)) for c in figure.columns)]
    )
    for code, values in zip(figure.rows, table, strict=True):
        writer.writerow([_cell(figure.name(int(code))), *(_number(v, figure.by == "count") for v in values)])
    return stream.getvalue()


def _cell(text: str) -> str:
    """Text that a spreadsheet takes for text, whatever it begins with."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _number(value: float, whole: bool) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if whole else f"{value:.6f}"
