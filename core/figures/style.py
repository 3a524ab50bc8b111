"""One look for every figure, light and dark: colours that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.evaluation.estimate import Estimate

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Style:
    """The colours of one mode, as the dashboard's theme has them."""

    text: str
    quiet: str
    line: str
    accent: str
    wrong: str
    other: str


STYLES: dict[Mode, Style] = {
    "light": Style("#1D2226", "#667077", "#E4E4DF", "#1B6CA8", "#C2410C", "#0F8A6D"),
    "dark": Style("#E9ECEE", "#9AA5AD", "#2E353A", "#5AA9E6", "#F08A4B", "#4DBBA0"),
}


def layout(mode: Mode, **more: Any) -> dict[str, Any]:
    """Plotly layout shared by all figures: transparent, quiet grid, no chart junk."""
    style = STYLES[mode]
    axis = {
        "gridcolor": style.line,
        "linecolor": style.line,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 13, "color": style.quiet}},
        "tickfont": {"size": 12, "color": style.text},
    }
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": style.text, "size": 13},
        "margin": {"l": 8, "r": 16, "t": 8, "b": 8},
        "hoverlabel": {"font": {"size": 13}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
    for name, value in more.items():
        base[name] = {**base[name], **value} if isinstance(base.get(name), dict) else value
    return base


def whiskers(estimates: Sequence[Estimate], mode: Mode = "light", **more: Any) -> dict[str, Any]:
    """Plotly error bars of 95 % intervals in percent; nothing where there is no interval."""
    value, low, high = (percent(estimates, end) for end in ("value", "low", "high"))
    return {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(high - value),
        "arrayminus": np.nan_to_num(value - low),
        "color": STYLES[mode].text,
        "thickness": 1.4,
        "width": 4,
        **more,
    }


def percent(estimates: Sequence[Estimate], end: str = "value") -> npt.NDArray[np.float64]:
    """One end of the estimates (n,) float64 in percent: value, low or high; NaN where undefined."""
    return 100 * np.array([getattr(found, end) for found in estimates], dtype=float)


def plain(label: str, longest: int = 200) -> str:
    """Text as Plotly shows it, which reads a few HTML tags; cut at `longest` letters."""
    short = label if len(label) <= longest else label[: longest - 1] + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def faint(colour: str, opacity: float) -> str:
    """`colour` (#RRGGBB) with an opacity in [0, 1], as Plotly takes it."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
