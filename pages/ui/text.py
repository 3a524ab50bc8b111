"""Text from data, made harmless: labels, captions, file names and log lines are never markup.

Every string that comes from a data set, a checkpoint or a log passes through here before Streamlit sees it as
Markdown or HTML, and before it goes into a CSV file that a spreadsheet may open.
"""

from __future__ import annotations

import html as _html
import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=])")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def md(text: object, longest: int = 300) -> str:
    """`text` so that Markdown shows it as it is: one line, special characters escaped, at most `longest`."""
    line = " ".join(_ANSI.sub("", str(text)).split())
    short = line if len(line) <= longest else line[: longest - 1] + "…"
    return _MARKUP.sub(r"\\\1", short)


def html(text: object) -> str:
    """`text` so that HTML shows it as it is, inside an element or a quoted attribute."""
    return _html.escape(str(text), quote=True)


def log_tail(text: str, lines: int = 30, longest: int = 4000) -> str:
    """The last lines of a log without terminal codes, bounded; for a code block."""
    return "\n".join(_ANSI.sub("", text[-4 * longest :]).splitlines()[-lines:])[-longest:]


def csv_cell(value: object) -> object:
    """`value` so that a spreadsheet takes no text for a formula; numbers stay numbers."""
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def count(n: int, noun: str) -> str:
    """E.g. "1 image", "1,204 images"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def file_name(text: str) -> str:
    """`text` as part of a file's name: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:60] or "unnamed"
