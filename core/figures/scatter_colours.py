"""What the points of a map are coloured by: labels or a number, for every row of the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.figures.style import Mode

PALETTES: dict[Mode, tuple[str, ...]] = {
    "light": ("#0072B2", "#D55E00", "#009E73", "#B8508A", "#E69F00", "#56B4E9", "#7A5C00", "#5B6470"),
    "dark": ("#5AA9E6", "#F08A4B", "#3CC69B", "#E08FC2", "#F2C14E", "#9BD7FF", "#C9A227", "#AEB8C0"),
}
"""Okabe and Ito's colours, which colour-blind readers can tell apart, fitted to both grounds."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up")
SYMBOLS_3D = ("circle", "square", "diamond", "cross")
MOST = len(PALETTES["light"]) * len(SYMBOLS)
"""Labels that colour and shape together can tell apart."""
OTHERS = "other labels"


@dataclass(frozen=True, eq=False)
class Colouring:
    """Either `names` with `codes` (N,) int32 into them (-1 = not known), or `values` (N,) float32 (NaN = not
    known) within `limits`."""

    title: str
    names: tuple[str, ...] = ()
    codes: npt.NDArray[np.int32] | None = None
    values: npt.NDArray[np.float32] | None = None
    limits: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that share a colour and a shape; `number` is -1 for the rest."""

    name: str
    rows: npt.NDArray[np.int64]
    number: int


def groups(colouring: Colouring, rows: npt.NDArray[np.int64], most: int = MOST) -> tuple[Group, ...]:
    """`rows` by label, most images first; labels beyond `most`, and rows without one, share a group."""
    if colouring.codes is None:
        return ()
    codes = colouring.codes[rows]
    sizes = np.bincount(codes[codes >= 0], minlength=len(colouring.names))
    order = [int(code) for code in np.argsort(-sizes, kind="stable") if sizes[code]]
    kept = order if len(order) <= most else order[: most - 1]
    # numbers follow the labels' own order, so a label keeps its colour while filters change
    number = {code: place for place, code in enumerate(sorted(kept))}
    if len(colouring.names) <= most:
        number = {code: code for code in kept}
    found = [Group(colouring.names[code], rows[codes == code], number[code]) for code in kept]
    rest = rows[(codes >= 0) & ~np.isin(codes, kept)]
    unknown = rows[codes < 0]
    found += [Group(f"{len(order) - len(kept)} {OTHERS}", rest, -1)] if len(rest) else []
    return (*found, *([Group("not known", unknown, -1)] if len(unknown) else []))
