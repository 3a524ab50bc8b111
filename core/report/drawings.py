"""Small static drawings as inline SVG: their colours are the page's, light or dark, on screen and on paper.

plotly's figures need its 4 MB of JavaScript or a browser to become pictures; these need neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from core.evaluation import Estimate
from core.evaluation.calibration import Calibration

SIDE, EDGE, MARGIN = 260.0, 48.0, 18.0
LARGEST = 9.0


def interval(found: Estimate, low: float = 0.0, high: float = 1.0) -> Markup:
    """An interval as a bar and its value as a stroke on a scale from `low` to `high`; a line at 0 where the
    scale crosses it. Empty without a value."""
    if math.isnan(found.value):
        return Markup("")
    ends = (found.value,) * 2 if math.isnan(found.low) else (found.low, found.high)
    left, at, right = (_clip(100 * (value - low) / (high - low)) for value in (ends[0], found.value, ends[1]))
    zero = f'<path class="axis" d="M{100 * -low / (high - low):.1f} 0V12"/>' if low < 0 < high else ""
    return _markup(
        f'<svg class="interval" viewBox="0 0 100 12" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(found.text())}"><rect class="rail" width="100" height="12" rx="2"/>{zero}'
        f'<rect class="bar" x="{left:.1f}" y="3" width="{max(0.6, right - left):.1f}" height="6"/>'
        f'<rect class="mark" x="{at - 0.6:.1f}" y="0" width="1.2" height="12"/></svg>'
    )


def widest(found: Sequence[Estimate]) -> float:
    """The end of a symmetric scale on which every one of these intervals fits, at least 0.05."""
    ends = [abs(end) for each in found for end in (each.value, each.low, each.high) if not math.isnan(end)]
    return max([0.05, *ends])


def reliability(found: Calibration) -> Markup:
    """Accuracy with its interval over mean confidence, bin by bin, beside the diagonal; a mark's area grows
    with the images in its bin."""
    most = max(each.accuracy.n for each in found.bins)
    marks = "".join(
        f'<path class="whisker" d="M{_x(each.confidence):.1f} {_y(each.accuracy.low):.1f}'
        f'V{_y(each.accuracy.high):.1f}"/>'
        f'<circle class="mark" cx="{_x(each.confidence):.1f}" cy="{_y(each.accuracy.value):.1f}" '
        f'r="{2.5 + (LARGEST - 2.5) * math.sqrt(each.accuracy.n / most):.1f}"><title>'
        f"confidence {each.confidence:.1%}, accuracy {escape(each.accuracy.text())}, "
        f"{escape(each.accuracy.support())}</title></circle>"
        for each in found.bins
    )
    ticks = "".join(
        f'<text x="{_x(t):.0f}" y="{SIDE - EDGE + 14:.0f}" text-anchor="middle">{t:.0%}</text>'
        f'<text x="{EDGE - 5:.0f}" y="{_y(t) + 4:.0f}" text-anchor="end">{t:.0%}</text>'
        for t in (0.0, 0.5, 1.0)
    )
    return _markup(
        f'<svg class="reliability" viewBox="0 0 {SIDE:.0f} {SIDE:.0f}" role="img" aria-label="accuracy over '
        f'confidence"><path class="axis" d="M{_x(0):.0f} {_y(1):.0f}V{_y(0):.0f}H{_x(1):.0f}"/>'
        f'<path class="diagonal" d="M{_x(0):.0f} {_y(0):.0f}L{_x(1):.0f} {_y(1):.0f}"/>{ticks}{marks}'
        f'<text x="{_x(0.5):.0f}" y="{SIDE - 4:.0f}" text-anchor="middle">mean confidence</text>'
        f'<text transform="translate(11 {_y(0.5):.0f}) rotate(-90)" text-anchor="middle">accuracy</text>'
        "</svg>"
    )


def _x(share: float) -> float:
    return EDGE + share * (SIDE - EDGE - MARGIN)


def _y(share: float) -> float:
    return SIDE - EDGE - share * (SIDE - EDGE - MARGIN)


def _clip(value: float) -> float:
    return min(100.0, max(0.0, value))


def _markup(svg: str) -> Markup:
    return Markup(svg)  # numbers, and text escaped above
