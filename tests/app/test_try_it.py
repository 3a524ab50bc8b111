"""The Try it page: uploads one by one, what is refused and why, checkpoints side by side."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from core.explain import Answer
from core.explain.worker import Worker
from pages.ui import workers
from tests.dashboard import Place

PAGE = "pages/4_Try_it.py"


def image(form: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(stream, form)
    return stream.getvalue()


def bomb() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.fixture(scope="module", autouse=True)
def end_worker() -> Iterator[None]:
    yield
    workers.worker().close()
    workers.decoder().close()


@pytest.fixture
def app(at_home: Any) -> Any:
    at_home.run()
    at_home.switch_page(PAGE).run()
    assert not at_home.exception
    return at_home


def heads(app: Any) -> list[list[dict[str, Any]]]:
    found = [json.loads(element.proto.json) for element in app.get("bidi_component") if element.proto.json]
    return [data["heads"] for data in found if "heads" in data]


def upload(app: Any, *files: tuple[str, bytes, str]) -> Any:
    app.file_uploader[0].set_value(list(files)).run(timeout=240)
    assert not app.exception
    return app


@pytest.fixture
def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding is the real worker's; only the networks are left out."""
    ask = Worker.ask

    def decode_only(self: Worker, operation: str, *given: Any, **limits: Any) -> Answer:
        if operation in ("predict", "warm"):
            vector = bytes(4 * 192)
            return Answer({"heads": {"class": [0.75, 0.25]}, "seconds": 0.01}, (b"\0\0\x80?" + vector[4:],))
        return ask(self, operation, *given, **limits)

    monkeypatch.setattr(Worker, "ask", decode_only)
    monkeypatch.setattr("pages.ui.tryout.BESIDE", 2)


def test_bad_uploads_are_named_and_do_not_stop_the_good_one(app: Any, no_networks: None) -> None:
    good = image("JPEG", (300, 200))
    bad = {
        "empty.png": (b"", "The file is empty"),
        "cut.jpg": (good[: len(good) // 2], "cannot be read"),
        "drawing.jpg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "cannot be read"),
        "page.png": (b"<!doctype html><script>alert(1)</script>", "cannot be read"),
        "bomb.png": (bomb(), "too many pixels"),
        "long.jpg": (good + bytes(21 * 2**20), "too large"),
        "<img src=x onerror=alert(1)>.png": (b"GIF89a", "cannot be read"),
    }
    app = upload(
        app, *((name, data, "image/png") for name, (data, _) in bad.items()), ("good.jpg", good, "image/jpeg")
    )
    told = app.error[0].value
    lines = [line for line in told.splitlines() if line.startswith("- ")]
    assert told.startswith("Left out: 7 files") and len(lines) == 7
    for line, (_, reason) in zip(lines, bad.values(), strict=True):
        assert reason in line
    assert "<img" not in told.replace("\\<", "")  # escaped: never markup
    assert any("good" in text.value for text in app.markdown)
    assert any("300 × 200" in caption.value for caption in app.caption)
    assert len(heads(app)) == 2  # one column per checkpoint


def test_one_photograph_under_two_names_and_unusual_forms_are_all_tried(app: Any, no_networks: None) -> None:
    picture = Image.linear_gradient("L").resize((60, 20)).convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    forms: dict[str, bytes] = {}
    for name, kind, mode, more in (
        ("one.jpg", "JPEG", "RGB", {}),
        ("same.jpg", "JPEG", "RGB", {}),
        ("print.jpg", "JPEG", "CMYK", {}),
        ("turned.jpg", "JPEG", "RGB", {"exif": turned}),
        ("moving.gif", "GIF", "P", {"save_all": True, "append_images": [Image.new("P", (60, 20), 3)]}),
        ("clear.png", "PNG", "RGBA", {}),
    ):
        stream = io.BytesIO()
        picture.convert(mode).save(stream, kind, **more)
        forms[name] = stream.getvalue()
    assert forms["one.jpg"] == forms["same.jpg"]
    app = upload(app, *((name, data, "image/png") for name, data in forms.items()))
    assert not app.error and len(heads(app)) == 2 * len(forms)
    sizes = [caption.value for caption in app.caption if "pixels" in caption.value]
    assert sizes == [*["60 × 20 pixels"] * 3, "20 × 60 pixels", *["60 × 20 pixels"] * 2]


def test_every_checkpoint_answers_with_every_head(app: Any, place: Place) -> None:
    app = upload(app, ("one.png", image(), "image/png"), ("two.webp", image("WEBP", (64, 64)), "image/webp"))
    assert not app.error
    shown = heads(app)
    tasks = [[head["task"] for head in block] for block in shown]
    assert len(shown) == 4 and all(names == tasks[0] for names in tasks) and len(tasks[0]) >= 2
    for block in shown:
        for head in block:
            assert 0 < sum(row["p"] for row in head["rows"]) <= 1.001
            assert head["verdict"] == "" and not any(row["truth"] for row in head["rows"])
    assert any("ms" in caption.value for caption in app.caption)


def test_too_many_are_counted_out(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ui.upload.MOST", 1)
    app = upload(app, ("one.png", image(), "image/png"), ("two.png", image(size=(8, 8)), "image/png"))
    assert "Too many images at once" in app.error[0].value and len(heads(app)) == 2


def test_no_checkpoint_says_what_to_do(at_home: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(tmp_path))
    at_home.run()
    at_home.switch_page(PAGE).run()
    assert not at_home.exception
    assert "There is no checkpoint yet" in at_home.info[0].value
