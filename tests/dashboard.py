"""A dashboard to test: synthetic data with known mistakes, a server on a port of its own, a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.settings import HOME

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
PATIENCE = 120.0
"""Seconds that a test waits for a page or a server on a machine that is busy with other things."""


@dataclass(frozen=True)
class Place:
    """Folders that a dashboard is started on."""

    data: Path
    cache: Path
    checkpoints: Path

    @property
    def saved(self) -> Path:
        """The folder of what people made."""
        return self.cache.parent / "saved"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a process at these folders."""
        return {
            "VITRINE_DATA": str(self.data),
            "VITRINE_CACHE": str(self.cache),
            "VITRINE_CHECKPOINTS": str(self.checkpoints),
            "VITRINE_SAVED": str(self.saved),
        }


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """400 rows, two checkpoints whose predictions are made up: about 4 % and 8 % of each head are wrong."""
    from benchmarks.synthetic import make_synthetic

    made = make_synthetic(tmp_path_factory.mktemp("dashboard"), 400, pictures=40)
    return Place(made.data, made.cache, made.checkpoints)


def open_page(app: Any, page: str, **query: str) -> Any:
    """Open `page` (a file below the project) of all images under one checkpoint, with further parameters."""
    for key, value in {"model": "synthetic-2", "split": "all", **query}.items():
        app.query_params[key] = value
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(page).run()
    assert not app.exception
    assert not app.error
    return app


@pytest.fixture
def at_home(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app, run once at its door, with every process-wide cache empty."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield AppTest.from_file(str(HOME / "Home.py"), default_timeout=2 * PATIENCE)
    st.cache_resource.clear()


@contextmanager
def serving(place: Place, **more: str) -> Iterator[str]:
    """Run the server on a free port; its address. It is ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "streamlit", "run", "pages/ui/server.py", "--server.port", str(port)]
    environment = {**os.environ, **place.environment, **more, "STREAMLIT_SERVER_HEADLESS": "true"}
    process = subprocess.Popen(
        argv, cwd=HOME, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def server(place: Place) -> Iterator[str]:
    """One server for all browser tests; its address."""
    with serving(place) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, steered by Playwright."""
    if not Path(CHROMIUM).exists():
        pytest.skip("Debian's chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A tab of its own; a script error in it fails the test."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(1000 * PATIENCE)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def _wait(process: subprocess.Popen[bytes], address: str, limit: float = 2 * PATIENCE) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer")
