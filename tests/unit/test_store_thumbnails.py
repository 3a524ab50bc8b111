"""Thumbnails: made once, found by content, made again when damaged."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from core.data import Dataset, open_dataset
from core.errors import StoreError
from core.store import FeatureStore
from core.store import sources as sources_module
from core.store.table import append, compact, delete
from core.store.thumbnails import Thumbnails
from tests.store_fakes import Engines, fake_checkpoint, part


@pytest.fixture
def dataset(placeholder_root: Path) -> Dataset:
    return open_dataset(placeholder_root)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry per thumbnail that is made."""
    found: list[int] = []
    make = sources_module.make_thumbnail

    def counting(data: bytes) -> bytes | None:
        found.append(len(data))
        return make(data)

    monkeypatch.setattr(sources_module, "make_thumbnail", counting)
    yield found


def test_indexing_stores_them(tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    Engines(monkeypatch)
    FeatureStore(tmp_path).index(dataset, fake_checkpoint(dataset))
    found = FeatureStore(tmp_path).thumbnails(dataset.table["sha"])
    assert set(found) == set(dataset.table["sha"])
    for jpeg in found.values():
        with Image.open(io.BytesIO(jpeg)) as image:
            assert image.format == "JPEG" and max(image.size) <= 192


def test_missing_ones_are_made_once(tmp_path: Path, dataset: Dataset, made: list[int]) -> None:
    shas = list(dataset.table["sha"][:6])
    assert FeatureStore(tmp_path).thumbnails(shas) == {}
    first = FeatureStore(tmp_path).thumbnails(shas, dataset=dataset)
    again = FeatureStore(tmp_path).thumbnails(shas, dataset=dataset)
    assert first == again and len(made) == len(first) == 6


def test_unknown_and_changed_images_are_left_out(
    tmp_path: Path, placeholder_root: Path, dataset: Dataset
) -> None:
    table = dataset.table.copy()
    table.loc[0, "sha"] = "0" * 64
    from dataclasses import replace

    lying = replace(dataset, table=table)
    assert FeatureStore(tmp_path).thumbnails(["0" * 64, "1" * 64], dataset=lying) == {}


def test_another_writers_thumbnails_appear(tmp_path: Path) -> None:
    reader, writer = Thumbnails(tmp_path), Thumbnails(tmp_path)
    assert reader.get(["a"]) == {}
    writer.add({"a": b"one"})
    assert reader.get(["a", "b"]) == {"a": b"one"}
    writer.add({"b": b"two", "a": b"not again"})
    assert reader.get(["a", "b"]) == {"a": b"one", "b": b"two"}
    assert reader.missing(["c", "a", "c"]) == ["c"]


def test_compaction_by_another_process_goes_unnoticed(tmp_path: Path) -> None:
    reader, writer = Thumbnails(tmp_path), Thumbnails(tmp_path)
    wanted = {f"{number:02d}": bytes([number]) for number in range(40)}
    for sha, jpeg in wanted.items():
        writer.add({sha: jpeg})
        reader.get([sha])
    delete(writer.folder, ["00"])
    compact(writer.folder)
    assert len(list((writer.folder / "rows.lance" / "data").iterdir())) >= 1
    del wanted["00"]
    assert Thumbnails(tmp_path).get(wanted) == wanted
    assert reader.get(wanted) == wanted


def test_a_damaged_thumbnail_is_made_again(
    tmp_path: Path, dataset: Dataset, made: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    shas = list(dataset.table["sha"][:3])
    good = FeatureStore(tmp_path).thumbnails(shas, dataset=dataset)
    folder = Thumbnails(tmp_path / "features").folder
    (path,) = (folder / "rows.lance" / "data").iterdir()
    data = path.read_bytes()
    spot = data.index(good[shas[1]]) + 200
    path.write_bytes(data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :])
    with caplog.at_level(logging.WARNING):
        assert FeatureStore(tmp_path).thumbnails(shas) == {sha: good[sha] for sha in (shas[0], shas[2])}
    assert "damaged" in caplog.text
    assert FeatureStore(tmp_path).thumbnails(shas, dataset=dataset) == good
    assert FeatureStore(tmp_path).thumbnails(shas) == good and len(made) == 4


def test_a_table_that_is_gone_to_pieces_is_told_or_done_without(tmp_path: Path, dataset: Dataset) -> None:
    shas = list(dataset.table["sha"][:3])
    good = FeatureStore(tmp_path).thumbnails(shas, dataset=dataset)
    folder = Thumbnails(tmp_path / "features").folder
    for path in (folder / "rows.lance" / "data").iterdir():
        path.write_bytes(b"nothing")
    with pytest.raises(StoreError) as caught:
        FeatureStore(tmp_path).thumbnails(shas)
    assert str(folder) in caught.value.fix
    assert FeatureStore(tmp_path).thumbnails(shas, dataset=dataset) == good


def test_a_failed_write_still_shows_them(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full")

    monkeypatch.setattr("core.store.thumbnails.append", full)
    shas = list(dataset.table["sha"][:2])
    with caplog.at_level(logging.WARNING):
        assert set(FeatureStore(tmp_path).thumbnails(shas, dataset=dataset)) == set(shas)
    assert "The disk is full" in caplog.text


def test_two_data_sets_share_them(tmp_path: Path, dataset: Dataset, made: list[int]) -> None:
    store = FeatureStore(tmp_path)
    store.thumbnails(dataset.table["sha"], dataset=dataset)
    few = part(dataset, slice(3, 9))
    assert len(store.thumbnails(few.table["sha"], dataset=few)) == 6 and len(made) == len(dataset)


def test_rows_that_are_already_there_are_not_doubled(tmp_path: Path) -> None:
    import pyarrow as pa

    rows = pa.table({"sha": ["a", "b"], "check": pa.array([1, 2], pa.uint32())})
    append(tmp_path, rows)
    append(tmp_path, pa.table({"sha": ["b", "c"], "check": pa.array([9, 3], pa.uint32())}))
    from core.store.table import open_table

    found = open_table(tmp_path).to_arrow().to_pydict()
    assert found == {"sha": ["a", "b", "c"], "check": [1, 2, 3]}


def test_pages_do_not_compact_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compacted: list[Path] = []
    monkeypatch.setattr("core.store.thumbnails.compact", compacted.append)
    monkeypatch.setattr("core.store.thumbnails.MANY_COMMITS", 4)
    thumbnails = Thumbnails(tmp_path)
    for number in range(9):
        thumbnails.offer({f"sha{number}": b"jpeg"})
    assert len(compacted) == 2
