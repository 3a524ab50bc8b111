"""The report in Chromium: built from the overview, downloaded, opened without a network, read on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
PATIENCE = 240_000
"""Milliseconds that a subprocess may take on a machine that has much else to do."""


def test_a_report_is_built_downloaded_and_opens_by_itself(
    tab: Any, chromium: Any, server: str, tmp_path: Path
) -> None:
    tab.goto(server + "/?split=all&model=synthetic-1")
    build = tab.get_by_role("button", name="Build the report")
    done = tab.get_by_role("button", name="Download the report")
    build.or_(done).first.wait_for(timeout=PATIENCE)
    if build.is_visible():
        build.click()
    done.wait_for(timeout=PATIENCE)
    with tab.expect_download(timeout=PATIENCE) as download:
        done.click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    asked: list[str] = []
    for scheme in ("light", "dark"):
        context = chromium.new_context(offline=True, color_scheme=scheme)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        _read(page)
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 24, 27)") == (scheme == "dark")
        context.close()
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()] * 2


def _read(page: Any) -> None:
    """The matrix adds up to the images, the tables have their rows, and the pictures are shown."""
    matrix = page.locator("table.matrix").first
    assert sum(int(n) for n in matrix.locator("td").all_inner_texts() if n) == 400
    assert matrix.locator("td.right").count() == matrix.locator("tbody tr").count()
    assert page.get_by_role("heading", name="Scores").is_visible()
    assert page.locator("blockquote").first.inner_text().startswith("synthetic-1 is ahead of synthetic-2")
    widths = page.locator(".mistakes img").evaluate_all("found => found.map(one => one.naturalWidth)")
    assert widths and all(width > 50 for width in widths)
