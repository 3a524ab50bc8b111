"""Hostile and damaged data sets: a named problem or a DataError, never anything else."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.data import Dataset, open_dataset
from core.errors import DataError

Build = Callable[..., Path]


def test_truncated_and_bomb_images_do_not_stop_the_rest(placeholder_root: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(placeholder_root, tmp_path / "copy"))
    cut = root / "images" / "circle_1_1.jpg"
    cut.write_bytes(cut.read_bytes()[:700])
    bomb = io.BytesIO()
    Image.new("1", (14_000, 14_000)).save(bomb, "PNG")
    (root / "images" / "square_1_1.jpg").write_bytes(bomb.getvalue())
    dataset = open_dataset(root, cache=tmp_path / "cache")
    told = {problem.path: problem.message for problem in dataset.report.problems if problem.quarantined}
    assert set(told) == {"images/circle_1_1.jpg", "images/square_1_1.jpg"}
    assert "runcated" in told["images/circle_1_1.jpg"]
    assert "pixels" in told["images/square_1_1.jpg"]
    assert len(dataset) == 46


def test_a_labels_file_that_is_a_link_out_is_not_read(build: Build, tmp_path: Path) -> None:
    root = build(images=["a/1.png", "b/2.png"])
    (tmp_path / "other.csv").write_text("path,class\na/1.png,secret\n")
    (root / "labels.csv").symlink_to(tmp_path / "other.csv")
    (tmp_path / "other.toml").write_text('name = "secret"')
    (root / "vitrine.toml").symlink_to(tmp_path / "other.toml")
    dataset = open_dataset(root)
    assert (dataset.name, dataset.taxonomy.primary.labels) == ("set", ("a", "b"))


def opened(root: Path) -> Dataset | None:
    """The data set, or None for a DataError that says what to do; anything else is a fault of ours."""
    try:
        return open_dataset(root)
    except DataError as error:
        assert error.title and error.cause and error.fix
        return None


SLOW_FIXTURE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOW_FIXTURE
@given(content=st.binary(max_size=300))
@pytest.mark.parametrize("start", [b"", b"image_path,class_label,attributes,split\n"])
def test_any_bytes_as_a_labels_file(build: Build, start: bytes, content: bytes) -> None:
    opened(build(start + content, ["a.png"]))


@SLOW_FIXTURE
@given(data=st.data())
def test_a_labels_file_damaged_anywhere(build: Build, placeholder_root: Path, data: st.DataObject) -> None:
    text = bytearray((placeholder_root / "labels.csv").read_bytes()[:900])
    for _ in range(data.draw(st.integers(1, 5))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    root = build(bytes(text))
    if not (root / "images").exists():
        shutil.copytree(placeholder_root / "images", root / "images")
    dataset = opened(root)
    if dataset is not None:
        assert len(dataset) + dataset.report.quarantined == dataset.report.rows
        assert all(problem.row for problem in dataset.report.problems if problem.quarantined)


@SLOW_FIXTURE
@given(content=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode())))
def test_any_bytes_as_settings(build: Build, content: bytes) -> None:
    root = build("path,class\na.png,x\nb.png,y\n", ["a.png", "b.png"])
    (root / "vitrine.toml").write_bytes(content)
    opened(root)
