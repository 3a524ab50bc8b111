"""The report as one HTML file: jinja2 escapes whatever comes from data, and the file may ask for nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.evaluation.confusion import NO_PREDICTION
from core.figures.matrix import MatrixFigure
from core.report import drawings
from core.report.contents import Report

FOLDER = "templates"


def render(report: Report, command: str = "") -> str:
    """The whole file as text; `command` is what makes it again. No script, no link, no font, no picture that
    is not inside: the content policy in it forbids a browser to ask for any."""
    environment = Environment(
        loader=PackageLoader("core.report", FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "points": points, "p": p_value, "crossing": crossing}
    environment.globals |= {"interval": drawings.interval, "widest": drawings.widest, "table": matrix_table}
    environment.globals["reliability"] = drawings.reliability
    source = environment.loader.get_source(environment, "style.css")[0]  # type: ignore[union-attr]
    page = environment.get_template("report.html")
    return page.render(report=report, style=Markup(source), command=command)


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, "–" where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:,.{digits}f}"


def points(value: float) -> str:
    """A signed difference in points, e.g. "+1.9"."""
    return "–" if math.isnan(value) else f"{100 * value:+.1f}"


def p_value(value: float | None) -> str:
    """A p-value to three decimals."""
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def crossing(pairs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those near-duplicates of an audit that lie in two splits."""
    return [pair for pair in pairs if len(set(pair["splits"])) > 1]


def matrix_table(figure: MatrixFigure) -> list[tuple[str, list[tuple[str, int, float, bool]]]]:
    """Per row of the matrix its label and, per column, (label, images, share of the row, whether right)."""
    filled = {(int(row), int(column)): int(n) for row, column, n in figure.cells}
    names = [figure.name(int(code)) for code in figure.columns]
    found = []
    for place, code in enumerate(figure.rows):
        total = max(1, int(figure.row_totals[place]))
        counts = [filled.get((place, column), 0) for column in range(len(names))]
        cells = [
            (name, n, n / total, name != NO_PREDICTION and other == code)
            for name, n, other in zip(names, counts, figure.columns, strict=True)
        ]
        found.append((figure.name(int(code)), cells))
    return found
