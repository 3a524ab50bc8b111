"""Files written whole or not at all, whichever operation fails; keys that differ when anything differs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import files
from core.files import atomic_write, atomic_write_json, cache_key, sha256_bytes, sha256_file

OPERATIONS = ("open", "fsync", "replace")


def failing(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Let the `number`-th of the operations that write a file fail; returns how many were asked for."""
    seen = 0

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == number:
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return operation

    for name in OPERATIONS:
        monkeypatch.setattr(files.os, name, wrap(getattr(os, name)))
    return lambda: seen


@pytest.mark.parametrize("number", range(1, 9))
def test_a_failed_operation_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    target = tmp_path / "value.json"
    target.write_text("old")
    with monkeypatch.context() as patch:
        asked = failing(patch, number)
        try:
            atomic_write(target, "new")
        except OSError:
            failed = True
        else:
            failed = False
        assert failed == (number <= asked())
    assert target.read_text() in {"old", "new"}
    assert failed or target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]


def test_the_eighth_operation_is_beyond_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parametrised test above covers every operation of a write."""
    asked = failing(monkeypatch, 10**6)
    atomic_write(tmp_path / "value", b"new")
    assert 3 <= asked() < 8


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "value"
    atomic_write(target, "old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_text("ne")
        raise RuntimeError
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_files_may_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        atomic_write(tmp_path / "value", "new")
    finally:
        os.umask(old)
    assert (tmp_path / "value").stat().st_mode & 0o777 == 0o644


def test_json_refuses_what_is_no_number(tmp_path: Path) -> None:
    target = tmp_path / "value.json"
    atomic_write_json(target, {"ü": [1, 2.5]})
    with pytest.raises(ValueError, match="JSON"):
        atomic_write_json(target, {"value": float("nan")})
    assert json.loads(target.read_text("utf-8")) == {"ü": [1, 2.5]}


def test_keys_differ_with_schema_and_every_parameter() -> None:
    keys = [
        cache_key("s-1", a=1),
        cache_key("s-2", a=1),
        cache_key("s-1", a=2),
        cache_key("s-1", a="1"),
        cache_key("s-1", b=1),
        cache_key("s-1", a=1, b=None),
    ]
    assert len(set(keys)) == len(keys)
    assert cache_key("s", a=1, b=2) == cache_key("s", b=2, a=1)
    with pytest.raises(TypeError):
        cache_key("s", a=Path("x"))


def test_hashes_are_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "a") == sha256_bytes(b"abc") == known
