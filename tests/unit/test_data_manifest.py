"""What is kept between two openings, when it is used, and the fingerprint."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.data import Dataset, facts, open_dataset
from core.errors import Cancelled
from tests.pictures import picture

Build = Callable[..., Path]


@pytest.fixture
def root(placeholder_root: Path, tmp_path: Path) -> Path:
    """A copy of the placeholder, to be changed."""
    return Path(shutil.copytree(placeholder_root, tmp_path / "copy"))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the images that are decoded from now on."""
    paths: list[str] = []
    fact = facts.fact

    def spy(root: Path, path: str, max_pixels: int) -> facts.Fact:
        paths.append(path)
        return fact(root, path, max_pixels)

    monkeypatch.setattr(facts, "fact", spy)
    return paths


def same(one: Dataset, other: Dataset) -> None:
    pd.testing.assert_frame_equal(one.table, other.table)
    assert (one.taxonomy, one.fingerprint, one.report, one.name, one.metadata) == (
        other.taxonomy,
        other.fingerprint,
        other.report,
        other.name,
        other.metadata,
    )


def test_an_unchanged_folder_is_not_read_again(root: Path, tmp_path: Path, decoded: list[str]) -> None:
    (root / "images" / "circle_1_1.jpg").write_bytes(b"broken")
    cache = tmp_path / "cache"
    first = open_dataset(root, cache=cache)
    assert len(decoded) == 48
    second = open_dataset(root, cache=cache)
    assert len(decoded) == 48
    assert second.report.quarantined == 1
    same(first, second)
    same(first, open_dataset(root))


def test_tables_of_every_kind_come_back_alike(build: Build, tmp_path: Path) -> None:
    csv = "path,class,tone,n,x,caption,instance\n" + "".join(
        f"{n}.png,{'ab'[n % 2]},{('p', 'q', '')[n % 3]},{n},{n if n else ''},ü\n" for n in range(6)
    )
    root = build(csv, [f"{n}.png" for n in range(6)])
    same(open_dataset(root, cache=tmp_path / "cache"), open_dataset(root, cache=tmp_path / "cache"))
    same(open_dataset(root), open_dataset(root, cache=tmp_path / "cache"))


def test_only_what_changed_is_decoded_again(root: Path, tmp_path: Path, decoded: list[str]) -> None:
    cache = tmp_path / "cache"
    before = open_dataset(root, cache=cache)
    decoded.clear()
    (root / "images" / "circle_1_1.jpg").write_bytes(picture(5, form="JPEG"))
    after = open_dataset(root, cache=cache)
    assert decoded == ["images/circle_1_1.jpg"]
    assert after.fingerprint != before.fingerprint
    assert after.table["width"].tolist() != before.table["width"].tolist()


@pytest.mark.parametrize("change", ["label", "split", "toml", "new row"])
def test_a_changed_text_is_noticed(root: Path, tmp_path: Path, change: str) -> None:
    cache = tmp_path / "cache"
    before = open_dataset(root, cache=cache)
    csv = root / "labels.csv"
    text = csv.read_text()
    stamps = csv.stat()
    if change == "label":
        csv.write_text(text.replace("circle,color:red", "square,color:red", 1))
    elif change == "split":
        csv.write_text(text.replace(",val,", ",test,", 1))
    elif change == "toml":
        (root / "vitrine.toml").write_text('ignore = ["size"]')
    else:
        (root / "images" / "more.jpg").write_bytes(picture(5, form="JPEG"))
        csv.write_text(text + "images/more.jpg,circle,,,train,\n")
    os.utime(csv, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    after = open_dataset(root, cache=cache)
    assert after.fingerprint != before.fingerprint
    same(after, open_dataset(root))


def test_the_fingerprint_pays_no_heed_to_order_times_or_place(root: Path, tmp_path: Path) -> None:
    before = open_dataset(root)
    header, *rows = (root / "labels.csv").read_text().splitlines()
    (root / "labels.csv").write_text("\n".join([header, *reversed(rows)]))
    for file in (root / "images").iterdir():
        os.utime(file, (1, 1))
    moved = root.rename(tmp_path / "elsewhere")
    after = open_dataset(moved)
    assert after.fingerprint == before.fingerprint
    pd.testing.assert_frame_equal(after.table, before.table)


def test_two_roots_share_a_cache(root: Path, placeholder_root: Path, tmp_path: Path) -> None:
    (root / "images" / "circle_1_1.jpg").unlink()
    sizes = [len(open_dataset(folder, cache=tmp_path / "cache")) for folder in (root, placeholder_root) * 2]
    assert sizes == [47, 48, 47, 48]


def test_files_that_the_scan_passes_over_are_looked_at_each_time(build: Build, tmp_path: Path) -> None:
    root = build("path,class\n.h/a.png,x\n.h/b.png,y\n", [".h/a.png", ".h/b.png"])
    before = open_dataset(root, cache=tmp_path / "cache")
    (root / ".h" / "a.png").write_bytes(picture(9, size=(30, 30)))
    assert open_dataset(root, cache=tmp_path / "cache").fingerprint != before.fingerprint


def test_cancelling_keeps_what_was_read(root: Path, tmp_path: Path, decoded: list[str]) -> None:
    def stop(done: int, total: int, note: str) -> None:
        assert (total, note) == (48, "Reading images")
        if done:
            raise Cancelled()

    with pytest.raises(Cancelled):
        open_dataset(root, cache=tmp_path / "cache", progress=stop)
    read = len(decoded)
    seen: list[tuple[int, int]] = []
    open_dataset(
        root, cache=tmp_path / "cache", progress=lambda done, total, note: seen.append((done, total))
    )
    assert 0 < seen[-1][1] < 48 and seen[-1][0] == seen[-1][1]
    assert len(decoded) <= 48 + read - facts.BATCH
