"""What lies under a data set's root: every file with its size and time, and links that leave the root."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.errors import DataError

SKIPPED = frozenset({"__MACOSX"})
"""Folders that archive tools leave behind; hidden folders are skipped too."""


@dataclass(frozen=True)
class Scan:
    """The files under `root`, none of them reached through a link that leaves it.

    `files` maps a path relative to `root` (POSIX form) to (size in bytes, mtime in ns); `escapes` names the
    symbolic links whose target lies outside the root, `misnamed` the files whose name is no text (made
    printable).
    """

    root: Path
    files: dict[str, tuple[int, int]]
    escapes: frozenset[str] = field(default=frozenset())
    misnamed: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """32 hex digits over the name, size and mtime of every file."""
        lines = sorted(f"{path}\0{size}\0{mtime}" for path, (size, mtime) in self.files.items())
        lines += sorted(f"{path}\0escape" for path in self.escapes)
        lines += sorted(f"{path}\0misnamed" for path in self.misnamed)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]

    @cached_property
    def by_form(self) -> dict[str, str]:
        """Paths by their NFC spelling: an archive made on another system may spell accents otherwise."""
        return {unicodedata.normalize("NFC", path): path for path in self.files if not path.isascii()}

    @cached_property
    def by_case(self) -> dict[str, str]:
        """Paths by their lower-case spelling, to say what a misspelt row may mean."""
        return {path.casefold(): path for path in self.files}


def scan(root: Path) -> Scan:
    """List every file below `root` (resolved). Raises DataError when it is no folder or cannot be read."""
    root = root.resolve()
    if not root.is_dir():
        raise DataError(
            f"There is no folder '{root.name}'",
            cause=f"{root} is not a folder.",
            fix="Give the folder that holds the images and, where there is one, labels.csv.",
        )
    files: dict[str, tuple[int, int]] = {}
    escapes: set[str] = set()
    misnamed: list[str] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        for entry in _entries(root, prefix):
            path = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED:
                    waiting.append(f"{path}/")
            elif not (path.isascii() or _is_text(path)):
                misnamed.append(os.fsencode(path).decode("utf-8", "replace"))
            elif entry.is_symlink() and _leaves(entry, root):
                escapes.add(path)
            elif entry.is_file():
                status = entry.stat()
                files[path] = (status.st_size, status.st_mtime_ns)
    return Scan(root, files, frozenset(escapes), tuple(sorted(misnamed)))


def _entries(root: Path, prefix: str) -> list[os.DirEntry[str]]:
    """What is in a folder, but for hidden names; a folder that cannot be read counts as empty."""
    try:
        with os.scandir(root / prefix) as found:
            return [entry for entry in found if entry.name[0] != "."]
    except OSError as error:
        if prefix:
            return []
        raise DataError(
            f"'{root.name}' cannot be listed", cause=f"{error}.", fix="Check the folder's permissions."
        ) from error


def _is_text(name: str) -> bool:
    """Whether a file name is text: bytes that are not UTF-8 come as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leaves(entry: os.DirEntry[str], root: Path) -> bool:
    try:
        return not Path(entry.path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return True
