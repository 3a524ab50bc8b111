"""Uploads in Chromium: several at once, hostile ones refused, and what the browser refuses itself."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.browser


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


def test_hostile_uploads_get_a_message_each_and_the_good_one_its_answer(
    tab: Any, server: str, tmp_path: Path
) -> None:
    asked: list[str] = []
    tab.on("dialog", lambda dialog: asked.append(dialog.message) or dialog.dismiss())
    tab.goto(server + "/Try_it")
    tab.get_by_test_id("stFileUploaderDropzone").wait_for()
    contents = {
        "good.jpg": jpeg(),
        "nothing.jpg": b"",
        "<img src=x onerror=alert(1)>.png": b"<svg onload='alert(1)'/>",
        "half.jpg": jpeg()[:300],
        "notes.txt": b"text",
        "large.jpg": jpeg() + bytes(50 * 2**20),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    tab.set_input_files("input[type=file]", [tmp_path / name for name in contents])
    told = tab.get_by_test_id("stAlert")
    told.get_by_text("Left out: 3 files").wait_for()
    text = told.inner_text()
    assert all(name in text for name in ("nothing.jpg", "half.jpg", "<img src=x onerror=alert(1)>.png"))
    refused = tab.get_by_test_id("stFileUploader").get_by_role("alert")
    refused.filter(has_text="must be 20").first.wait_for()
    refused.filter(has_text="not allowed").first.wait_for()
    tab.locator(".heads .head").first.wait_for(timeout=120_000)
    tab.get_by_text("Nearest training images").first.wait_for()
    assert asked == []  # no text of a file became a script


def test_an_image_of_the_data_set_is_tried_with_its_truth(tab: Any, server: str) -> None:
    tab.goto(server + "/Try_it")
    tab.wait_for_selector("button.card img.ready")
    tab.locator("button.card").first.click()
    tab.locator(".heads .head").first.wait_for(timeout=120_000)
    verdict = tab.locator(".heads .verdict")
    verdict.filter(has_text="right").or_(verdict.filter(has_text="wrong")).first.wait_for()
    tab.get_by_text("✓ tried below").wait_for()
