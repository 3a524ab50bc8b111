"""Where a row's image lies: the path is judged as text first, then against the files that are there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from core.data.scan import Scan

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
LONGEST = 1024


@dataclass(frozen=True)
class Refusal:
    """Why a path is not used."""

    kind: str
    message: str
    fix: str


def locate(written: str, scan: Scan, folder: str = "") -> str | Refusal:
    """The path, relative to the root in POSIX form, of the file that a row means; else why there is none.

    `folder` is put before `written`. Nothing is looked up on disk before the text itself is harmless: not
    absolute, without "..", without control characters. Links are followed only to see that they stay within
    the root.
    """
    if refusal := _refuse_text(written):
        return refusal
    for text in dict.fromkeys((written, written.replace("\\", "/"))):
        path = str(PurePosixPath(folder, text))
        if path in scan.files:
            return path
        if path in scan.escapes:
            return _escape(written)
        if spelt := scan.by_form.get(unicodedata.normalize("NFC", path)):
            return spelt
    return _look(str(PurePosixPath(folder, written.replace("\\", "/"))), scan)


def _refuse_text(written: str) -> Refusal | None:
    if not written:
        return Refusal("missing_file", "The path is empty.", "Name the image's file.")
    if CONTROL.search(written) or len(written) > LONGEST:
        return Refusal(
            "missing_file", "The path is no file name.", "A quotation mark may be missing on this line."
        )
    if PurePosixPath(written).is_absolute() or PureWindowsPath(written).anchor:
        return Refusal(
            "outside_root", f"'{written}' is an absolute path.", "Write it relative to the data set's folder."
        )
    if PureWindowsPath(written).drive or ".." in re.split(r"[\\/]", written):
        return Refusal(
            "outside_root",
            f"'{written}' leads out of the folder.",
            "Put the image below the data set's folder.",
        )
    return None


def _escape(written: str) -> Refusal:
    return Refusal(
        "outside_root",
        f"'{written}' is a link that leads outside the data set's folder.",
        "Put the image itself in the data set's folder.",
    )


def _look(path: str, scan: Scan) -> str | Refusal:
    """Last resort, for files that the scan passed over: hidden folders, and links to folders."""
    target = scan.root / path
    try:
        resolved = target.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return _missing(path, scan)
    if not resolved.is_relative_to(scan.root):
        return _escape(path)
    if not resolved.is_file():
        return Refusal("missing_file", f"'{path}' is not a file.", "Name the image's file.")
    return path


def _missing(path: str, scan: Scan) -> Refusal:
    meant = scan.by_case.get(path.casefold())
    fix = (
        f"There is '{meant}': spell it so."
        if meant
        else "Add the file, correct the path, or take the row out."
    )
    return Refusal("missing_file", f"There is no file '{path}'.", fix)


def stamp(path: str, scan: Scan) -> tuple[int, int]:
    """(size in bytes, mtime in ns) of a located file. Raises OSError when it has vanished since."""
    found = scan.files.get(path)
    if found is None:
        status = Path(scan.root / path).stat()
        found = (status.st_size, status.st_mtime_ns)
    return found
