"""A shallow `git clone` that runs nothing of what it fetches: no hooks, no filters, no links, no prompts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import nullcontext
from pathlib import Path

from core.errors import DataError
from core.progress import Progress, silent

PROTOCOLS = ("https", "file")
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.fsmonitor=false",
    "filter.lfs.required=false",
    "filter.lfs.process=",
    "filter.lfs.smudge=",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
    "LC_ALL": "C",
}
_STEP = re.compile(r"^(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+\d+% \((\d+)/(\d+)\)")


def clone(url: str, folder: Path, *, timeout: float, progress: Progress = silent) -> None:
    """Clone the newest commit of `url` (https or file) into the new `folder`, within `timeout` seconds.

    `progress` counts the objects that arrive, and stops the clone when it raises. Raises DataError: git is
    missing, the address is of another kind, the clone failed or took too long.
    """
    check_url(url)
    git = shutil.which("git")
    if git is None:
        raise DataError(
            "git is not installed",
            cause="Data sets are fetched with git.",
            fix="Install git, or download the data set by hand and open it with: make app DATA=<folder>",
        )
    settings = [word for setting in _SAFE for word in ("-c", setting)]
    options = ["--depth", "1", "--single-branch", "--no-tags", "--template=", "--progress"]
    argv = [git, *settings, "clone", *options, "--", url, str(folder)]
    code, log = _run(argv, timeout, progress)
    if code is None:
        raise DataError(
            f"{url} took longer than {timeout:.0f} seconds",
            cause="The clone was stopped; nothing is kept.",
            fix="Try again on a better connection, or give it more time with --timeout.",
        )
    if code:
        raise DataError(
            f"{url} could not be cloned",
            cause=" ".join(log) or f"git ended with exit code {code}.",
            fix="Check that this machine is online and that the address is right; --from names a mirror.",
        )


def check_url(url: str) -> None:
    """Raises DataError unless `url` is an https or file address without control characters."""
    scheme = url.partition("://")[0]
    if scheme not in PROTOCOLS or "://" not in url or not url.isprintable():
        raise DataError(
            "This address is not fetched",
            cause=f"It is {url!r}.",
            fix="Name a git repository that begins with https:// or file://",
        )


def origin(folder: Path) -> str | None:
    """The address that `folder` was cloned from; None where it is no clone."""
    config = ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        config.read_string((folder / ".git" / "config").read_text("utf-8"))
    except (OSError, ConfigError, UnicodeDecodeError):
        return None
    return config.get('remote "origin"', "url", fallback=None)


def _run(argv: list[str], timeout: float, progress: Progress) -> tuple[int | None, list[str]]:
    """The exit code (None when time ran out) and the last lines that are no progress."""
    process = subprocess.Popen(
        argv,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    watch = threading.Timer(timeout, stop)
    watch.start()
    try:
        with process.stderr or nullcontext(()) as lines:
            log = _follow(lines, progress)
        code = process.wait()
        return (None if late.is_set() else code), log
    finally:
        watch.cancel()
        _kill(process)
        process.wait()


def _follow(lines: Iterable[str], progress: Progress) -> list[str]:
    """Report what the lines say of progress; the last others."""
    log: deque[str] = deque(maxlen=6)
    for line in lines:
        found = _STEP.match(line)
        if found:
            progress(int(found[2]), int(found[3]), found[1].lower())
        elif line.strip() and not line.startswith("Cloning into"):
            log.append(line.strip())
    return list(log)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
