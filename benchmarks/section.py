"""A section of a Markdown page that a benchmark writes, between two marks."""

from __future__ import annotations

from pathlib import Path

from core.files import atomic_write


def put_section(page: Path, name: str, body: str) -> None:
    """Replace the body between the marks of `name`, or append it with its marks."""
    begin, end = f"<!-- {name}: written by benchmarks/{name}.py -->", f"<!-- end of {name} -->"
    text = page.read_text("utf-8") if page.exists() else "# Benchmarks\n\n"
    before, mark, rest = text.partition(begin)
    after = rest.partition(end)[2].lstrip("\n") if mark else ""
    gap = "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    atomic_write(page, f"{before}{gap}{begin}\n{body.strip()}\n{end}\n" + (f"\n{after}" if after else ""))
