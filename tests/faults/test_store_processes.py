"""Several processes on one store: killed writers, looping readers, two writers at once, a full disk."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.settings import HOME
from core.store.snapshot import Snapshot, read_snapshot
from core.store.table import open_table
from core.store.thumbnails import Thumbnails
from core.store.variant import make_entry
from tests.faults import store_writer as writer

ROWS = 192


def start(root: Path, kind: str, first: int, count: int, *limits: int) -> subprocess.Popen[str]:
    """A writer that has come as far as its first write."""
    arguments = [str(root), kind, str(first), str(count), *map(str, limits)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.store_writer", *arguments],
        cwd=HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> str:
    """Its last word."""
    out, _ = process.communicate(timeout=120)
    return out.strip()


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, wherever it is."""
    process.kill()
    process.communicate()


def read(root: Path) -> Snapshot | None:
    return read_snapshot(make_entry(root, writer.VARIANT, "fake"))


def check(found: Snapshot | None) -> set[str]:
    """Every row holds what its writer meant; the result is the shas there are."""
    if found is None:
        return set()
    shas = found.shas.to_pylist()
    assert len(set(shas)) == len(shas)
    numbers = {writer.sha(number): number for number in range(2 * ROWS)}
    wanted = [writer.outputs(range(n, n + 1)) for n in (numbers[sha] for sha in shas)]
    np.testing.assert_array_equal(found.logits[0], np.concatenate([one.logits["class"] for one in wanted]))
    return set(shas)


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_writer_leaves_whole_batches_and_the_next_goes_on(seed: int, tmp_path: Path) -> None:
    dice, seen = random.Random(seed), 0
    for _ in range(2):
        process = start(tmp_path, "features", 0, ROWS)
        deadline = time.monotonic() + dice.uniform(0.05, 0.8)
        while time.monotonic() < deadline:
            count = len(check(read(tmp_path)))
            assert count >= seen and count % writer.BATCH == 0
            seen = count
        kill(process)
    after = check(read(tmp_path))
    assert len(after) >= seen and len(after) % writer.BATCH == 0
    assert finish(start(tmp_path, "features", 0, ROWS)) == "done"
    found = read(tmp_path)
    assert check(found) == {writer.sha(number) for number in range(ROWS)}
    assert found is not None and found.embeddings().shape == (ROWS, writer.DIMENSION)


@pytest.mark.parametrize("kind", ["features", "thumbnails"])
def test_two_writers_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    half = ROWS // 2  # their ranges overlap by a half
    processes = [start(tmp_path, kind, first, ROWS) for first in (0, half)]
    assert [finish(process) for process in processes] == ["done", "done"]
    wanted = [writer.sha(number) for number in range(ROWS + half)]
    if kind == "features":
        assert check(read(tmp_path)) == set(wanted)
    else:
        thumbnails = Thumbnails(tmp_path)
        assert thumbnails.get(wanted) == {writer.sha(n): writer.jpeg(n) for n in range(ROWS + half)}
        assert open_table(thumbnails.folder).count_rows() == len(wanted)


def test_a_killed_writer_of_thumbnails_leaves_whole_ones(tmp_path: Path) -> None:
    process = start(tmp_path, "thumbnails", 0, ROWS)
    reader, wanted = Thumbnails(tmp_path), {writer.sha(n): writer.jpeg(n) for n in range(ROWS)}
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        assert reader.get(wanted).items() <= wanted.items()
    kill(process)
    assert finish(start(tmp_path, "thumbnails", 0, ROWS)) == "done"
    assert reader.get(wanted) == wanted


def test_a_full_disk_is_told_and_keeps_what_was_stored(tmp_path: Path) -> None:
    writer.write(tmp_path, "features", range(0, 40))
    before = check(read(tmp_path))
    limits = [0, 500, 2000, 8000, 32_000, 1_000_000]  # from no room at all to enough
    process, outcomes = start(tmp_path, "features", 40, 40, *limits), []
    assert process.stdin is not None and process.stdout is not None
    for _ in limits:
        outcomes.append(process.stdout.readline().strip())
        now = check(read(tmp_path))
        assert before <= now
        before = now
        process.stdin.write("\n")
        process.stdin.flush()
    finish(process)
    assert outcomes[0] == "The disk is full" and outcomes[-1] == "done"
    assert set(outcomes) == {"The disk is full", "done"}
    assert before == {writer.sha(number) for number in range(80)}
