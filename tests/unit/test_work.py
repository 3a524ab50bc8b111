"""Work started from a page: progress lines, success, failure, cancel, and one process per key."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from pages.ui import work
from pages.ui.text import csv_cell, file_name, html, log_tail, md


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    work._running().clear()
    yield
    for left in work._running().values():
        left.cancel()
        left.process.wait(60)
    work._running().clear()


def finished(one: work.Work, limit: float = 120) -> work.Work:
    end = time.monotonic() + limit
    while one.running:
        assert time.monotonic() < end
        time.sleep(0.02)
    return one


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"done": 3, "total": 600, "note": "images"}', work.Progress(3, 600, "images")),
        ("Indexing: 12 / 48 images", work.Progress(12, 48, "Indexing images")),
        ('{"done": "x"}', None),
        ('{"done": 1e999, "total": 1}', None),
        ("{" * 3000, None),
        ("loading the backbone", None),
    ],
)
def test_lines_are_progress_or_log(line: str, expected: work.Progress | None) -> None:
    assert work.read_step(line) == expected


def test_progress_is_a_share() -> None:
    assert work.Progress().share == 0
    assert work.Progress(1, 4).share == 0.25
    assert work.Progress(9, 4).share == 1


def test_work_reports_and_succeeds() -> None:
    code = "import sys; print('starting'); print('{\"done\": 2, \"total\": 2}', file=sys.stderr)"
    one = finished(work.start("a", "Counting", ["-c", code]))
    assert one.succeeded
    assert one.progress == work.Progress(2, 2)
    assert list(one.log) == ["starting"]


def test_a_failure_keeps_its_last_words() -> None:
    one = finished(work.start("a", "Failing", ["-c", "import sys; print('error: no room'); sys.exit(2)"]))
    assert not one.succeeded
    assert one.process.returncode == 2
    assert list(one.log) == ["error: no room"]


def test_one_key_runs_once_and_cancel_ends_the_whole_group() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    one = work.start("a", "Sleeping", ["-c", code])
    assert work.start("a", "Sleeping", ["-c", code]) is one
    parent = psutil.Process(one.process.pid)
    end = time.monotonic() + 60
    while not parent.children() and time.monotonic() < end:
        time.sleep(0.05)
    children = parent.children()
    assert children
    one.cancel()
    finished(one)
    assert one.cancelled
    assert not one.succeeded
    assert psutil.wait_procs(children, timeout=60)[1] == []
    work.dismiss("a")
    assert work.current("a") is None


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "a_b*c*`d`", "$x^2$ :red[x]", "[l](http://x)", "# h", "1. x", "a\n\n# b"]
)
def test_text_from_data_is_no_markup(text: str) -> None:
    escaped = md(text)
    assert "\n" not in escaped
    for mark in "<>*`$[](#_":
        assert escaped.count(mark) == escaped.count("\\" + mark)
    assert "<" not in html(text)


def test_csv_cells_are_no_formulas() -> None:
    assert csv_cell("=1+1") == "'=1+1"
    assert csv_cell("@x") == "'@x"
    assert csv_cell("plain") == "plain"
    assert csv_cell(-3) == -3


def test_logs_are_bounded_and_without_terminal_codes() -> None:
    assert log_tail("\x1b[31mred\x1b[0m\n" * 100, lines=3) == "red\nred\nred"
    assert len(log_tail("x" * 100_000)) <= 4000


def test_file_names_are_safe() -> None:
    assert file_name("../a b/ü") == "a-b"
    assert file_name("///") == "unnamed"


def test_watching_shows_how_far_it_is_and_cancels() -> None:
    from streamlit.testing.v1 import AppTest

    code = 'print(\'{"done": 2, "total": 8, "note": "<b>images"}\', flush=True); input()'
    argv = ["-c", code.replace("input()", "import time; time.sleep(60)")]
    one = work.start("a", "Counting", argv)
    end = time.monotonic() + 30
    while not one.progress.total:
        assert time.monotonic() < end
        time.sleep(0.02)
    app = AppTest.from_string("from pages.ui import work\nwork.watch('a')", default_timeout=30).run()
    [bar] = app.get("progress")
    assert bar.proto.value == 25
    assert bar.proto.text == "Counting: 2 / 8 " + md("<b>images")
    app.button(key="cancel:a").click().run()
    finished(one)
    assert one.cancelled
