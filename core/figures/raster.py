"""A map of many points as a picture: counted per pixel, coloured by what they are, anew for each window.

Far out it shows density, as Datashader does (mean colour per pixel, opacity by the logarithm of the count);
once few points are in the window each becomes a disc, with a ring around mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.figures.scatter_colours import PALETTES, Colouring, Group, groups
from core.figures.style import STYLES, Mode

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
RASTER_FROM = 60_000
"""From this many points on a map is drawn as a picture: without a graphics card WebGL takes longer than 0.3 s
a frame beyond."""
DISCS = ((2_000, 5), (8_000, 3), (30_000, 2), (120_000, 1))
"""Up to so many points in the window each is a disc of this radius in pixels; beyond, a pixel."""
LARGEST = 2400
"""Pixels of a side."""
SHADES = 256


@dataclass(frozen=True)
class Window:
    """The part of a map that is drawn: x0 < x1 and y0 < y1, in map units."""

    x0: float
    x1: float
    y0: float
    y1: float

    def sound(self) -> bool:
        """Whether these are numbers and the sides have a length."""
        sides = (self.x1 - self.x0, self.y1 - self.y0)
        return all(np.isfinite(side) and 0 < side < 1e30 for side in sides)


@dataclass(frozen=True, eq=False)
class Layer:
    """What is drawn: coordinates `coords` (N, 2), the `rows` (M,) of them that are shown, each row's `shade`
    (N,) uint8 into `palette` (256, 3) uint8, and whether it is `wrong` (N,) bool.

    `legend` names the groups of a categorical colouring, () for a gradient; `marked` rows are drawn above the
    others, which fade.
    """

    coords: Floats
    rows: Rows
    shade: npt.NDArray[np.uint8]
    palette: Pixels
    wrong: npt.NDArray[np.bool_]
    legend: tuple[Group, ...] = ()
    marked: Rows | None = None
    mode: Mode = "light"

    @cached_property
    def places(self) -> tuple[Floats, Floats]:
        """The shown rows' x and y, each contiguous."""
        return tuple(np.ascontiguousarray(self.coords[self.rows, axis]) for axis in (0, 1))  # type: ignore[return-value]

    @cached_property
    def shades(self) -> npt.NDArray[np.uint8]:
        """The shown rows' shades."""
        return self.shade[self.rows]

    def whole(self) -> Window:
        """A window around all points, with a margin."""
        x, y = self.places
        low, high = (np.array([side(x), side(y)], dtype=float) for side in (np.min, np.max))
        margin = np.maximum(0.03 * (high - low), 1e-6)
        (x0, y0), (x1, y1) = low - margin, high + margin
        return Window(float(x0), float(x1), float(y0), float(y1))

    def with_marked(self, rows: Rows | None) -> Layer:
        """The same with other rows marked; what was prepared is kept."""
        found = replace(self, marked=rows)
        found.__dict__.update(places=self.places, shades=self.shades)
        return found


def layer(
    coords: Floats,
    colouring: Colouring,
    rows: Rows,
    wrong: npt.NDArray[np.bool_],
    mode: Mode,
) -> Layer:
    """Prepare `rows` of a map (N, 2) for drawing. At most 8 labels have a colour of their own: at the size of
    a pixel shapes cannot tell more apart. Rows without a place are left out."""
    rows = rows[np.isfinite(coords[rows, 0])]
    if colouring.values is not None:
        shade, palette = _gradient(colouring, mode)
        return Layer(coords, rows, shade, palette, wrong, mode=mode)
    found = groups(colouring, rows, most=len(PALETTES[mode]))
    palette = np.zeros((SHADES, 3), dtype=np.uint8)
    shade = np.zeros(len(coords), dtype=np.uint8)
    for place, group in enumerate(found):
        palette[place] = _rgb(colour_of(group, mode))
        shade[group.rows] = place
    return Layer(coords, rows, shade, palette, wrong, found, mode=mode)


def colour_of(group: Group, mode: Mode) -> str:
    """The colour of a group in a picture or its legend."""
    colours = PALETTES[mode]
    return STYLES[mode].quiet if group.number < 0 else colours[group.number % len(colours)]


def rasterise(
    found: Layer, window: Window, width: int, height: int, hidden: frozenset[int] = frozenset()
) -> Pixels:
    """The window as a picture (height, width, 4) RGBA uint8, y upwards. `hidden` are places in the legend.

    O(M) per call: about 0.1 s of processor time for a million points.
    """
    inside, x, y = _pixels(found, window, width, height, hidden)
    shades = found.shades[inside]
    radius = next((size for most, size in DISCS if len(inside) <= most), 0)
    marked = None
    if found.marked is not None and len(found.marked):
        lookup = np.zeros(len(found.coords), dtype=bool)
        lookup[found.marked] = True
        marked = lookup[found.rows[inside]]
    picture = _paint(found.palette, x, y, shades, radius, width, height)
    if marked is not None:
        picture[..., 3] = picture[..., 3] // 5
        above = _paint(found.palette, x[marked], y[marked], shades[marked], max(radius, 1), width, height)
        picture = np.where(above[..., 3:] > 0, above, picture)
    if radius >= 3:
        wrong = found.wrong[found.rows[inside]]
        _rings(picture, x[wrong], y[wrong], radius + 2, _rgb(STYLES[found.mode].text))
    return picture


def nearest_row(found: Layer, x: float, y: float, reach: float) -> int | None:
    """The shown row nearest to a place in map units, at most `reach` away; None where there is none."""
    across, up = found.places
    near = np.flatnonzero((np.abs(across - x) <= reach) & (np.abs(up - y) <= reach))
    if not len(near):
        return None
    distance = (across[near] - x) ** 2 + (up[near] - y) ** 2
    best = int(distance.argmin())
    return int(found.rows[near[best]]) if distance[best] <= reach**2 else None


def rows_within(found: Layer, polygon: npt.NDArray[np.float64]) -> Rows:
    """The shown rows inside a polygon (P, 2) in map units, P >= 3 (even-odd rule).

    A drawn mask settles all points but those near its edges, which are tested one by one: a million points
    take some hundredths of a second.
    """
    from PIL import Image, ImageDraw

    low, high = polygon.min(axis=0), polygon.max(axis=0)
    sides = np.maximum(high - low, np.finfo(np.float32).tiny)
    last = 1023
    corners = [tuple(corner) for corner in ((polygon - low) / sides * last).tolist()]
    drawn = Image.new("L", (last + 1, last + 1))
    pen = ImageDraw.Draw(drawn)
    pen.polygon(corners, fill=1)
    pen.line([*corners, corners[0]], fill=2, width=5)
    x, y = found.places
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    column, line = (
        np.rint((values[near] - low[axis]) / sides[axis] * last).clip(0, last).astype(np.int32)
        for axis, values in enumerate((x, y))
    )
    settled = np.asarray(drawn)[line, column]
    inside = settled == 1
    edge = np.flatnonzero(settled == 2)
    inside[edge] = _even_odd(polygon, x[near[edge]], y[near[edge]])
    return np.sort(found.rows[near[inside]])


def _even_odd(polygon: npt.NDArray[np.float64], x: Floats, y: Floats) -> npt.NDArray[np.bool_]:
    """Whether a ray from each point crosses the polygon's sides an odd number of times."""
    inside = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, 1, axis=0), strict=True):
        if y0 != y1:
            across = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
            inside ^= across
    return inside


def _pixels(
    found: Layer, window: Window, width: int, height: int, hidden: frozenset[int]
) -> tuple[Rows, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Which shown points lie in the window, and the column and line of each."""
    x, y = found.places
    keep = (x >= window.x0) & (x < window.x1) & (y >= window.y0) & (y < window.y1)
    if hidden:
        kept = np.ones(SHADES, dtype=bool)
        kept[list(hidden)] = False
        keep &= kept[found.shades]
    inside = np.flatnonzero(keep)
    across, up = width / (window.x1 - window.x0), height / (window.y1 - window.y0)
    column = np.minimum(((x[inside] - window.x0) * across).astype(np.int32), width - 1)
    line = np.maximum(height - 1 - ((y[inside] - window.y0) * up).astype(np.int32), 0)
    return inside, column, line


def _paint(
    palette: Pixels,
    x: npt.NDArray[np.int32],
    y: npt.NDArray[np.int32],
    shades: npt.NDArray[np.uint8],
    radius: int,
    width: int,
    height: int,
) -> Pixels:
    """Mean colour per pixel; opacity by the logarithm of the count, or nearly full where points are discs."""
    pixel, shades = _stamp(x, y, shades, radius, width, height)
    size = width * height
    count = np.bincount(pixel, minlength=size)
    picture = np.zeros((size, 4), dtype=np.uint8)
    there = np.flatnonzero(count)
    for channel in range(3):
        total = np.bincount(pixel, weights=palette[shades, channel], minlength=size)
        picture[there, channel] = total[there] / count[there]
    if radius:
        picture[there, 3] = np.where(count[there] > 1, 245, 215)
    elif len(there):
        share = np.log1p(count[there]) / np.log1p(count[there].max())
        picture[there, 3] = 70 + 185 * share
    return picture.reshape(height, width, 4)


def _stamp(
    x: npt.NDArray[np.int32],
    y: npt.NDArray[np.int32],
    shades: npt.NDArray[np.uint8],
    radius: int,
    width: int,
    height: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The pixels that every point covers, as one list, and their shades."""
    if not radius:
        return y.astype(np.int64) * width + x, shades
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = down**2 + right**2 <= (radius + 0.3) ** 2
    lines, columns = (axis[:, None] + some[disc][None, :] for axis, some in ((y, down), (x, right)))
    keep = (lines >= 0) & (lines < height) & (columns >= 0) & (columns < width)
    covered = lines.astype(np.int64) * width + columns
    return covered[keep], np.broadcast_to(shades[:, None], keep.shape)[keep]


def _rings(
    picture: Pixels, x: npt.NDArray[np.int32], y: npt.NDArray[np.int32], radius: int, colour: Pixels
) -> None:
    height, width = picture.shape[:2]
    down, right = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    distance = np.sqrt(down**2 + right**2)
    ring = np.abs(distance - radius) < 0.8
    lines, columns = (axis[:, None] + some[ring][None, :] for axis, some in ((y, down), (x, right)))
    keep = (lines >= 0) & (lines < height) & (columns >= 0) & (columns < width)
    picture[lines[keep], columns[keep]] = (*colour.tolist(), 255)


def _gradient(colouring: Colouring, mode: Mode) -> tuple[npt.NDArray[np.uint8], Pixels]:
    """Shades along Cividis, which colour-blind readers see as others do; the last is for unknown values."""
    from plotly.colors import sample_colorscale

    assert colouring.values is not None
    low, high = colouring.limits
    top = SHADES - 2
    share = (colouring.values - low) / max(high - low, 1e-12)
    known = np.isfinite(share)
    shade = np.full(len(share), SHADES - 1, dtype=np.uint8)
    shade[known] = np.clip(np.rint(share[known] * top), 0, top).astype(np.uint8)
    scale = sample_colorscale("Cividis", np.linspace(0, 1, top + 1).tolist(), colortype="tuple")
    palette = np.vstack([np.asarray(scale) * 255, _rgb(STYLES[mode].quiet)])
    return shade, palette.round().astype(np.uint8)


def _rgb(colour: str) -> Pixels:
    return np.frombuffer(bytes.fromhex(colour.removeprefix("#")), dtype=np.uint8)
