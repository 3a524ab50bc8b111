"""Checkpoints with damaged bytes: a named error, never other weights or other figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import CheckpointError
from core.models import Checkpoint, load_network, read_checkpoint
from core.models.checkpoint import CARD, WEIGHTS
from tests.model_case import make_card, make_network, save_small


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_small(tmp_path_factory.mktemp("checkpoints"))


def _copy(saved: Checkpoint, folder: Path) -> Path:
    folder.mkdir()
    for name in (CARD, WEIGHTS):
        (folder / name).write_bytes((saved.path / name).read_bytes())
    return folder


@pytest.mark.parametrize("name", [CARD, WEIGHTS])
@pytest.mark.parametrize("region", range(8))
def test_a_changed_byte_in_any_region_is_noticed(
    saved: Checkpoint, tmp_path: Path, name: str, region: int
) -> None:
    folder = _copy(saved, tmp_path / "small")
    data = bytearray((folder / name).read_bytes())
    generator = np.random.default_rng(region)
    for _ in range(24 if name == CARD else 2):
        position = int(generator.integers(region * len(data) // 8, (region + 1) * len(data) // 8))
        changed = bytearray(data)
        changed[position] ^= 1 << int(generator.integers(8))
        (folder / name).write_bytes(changed)
        try:
            found = read_checkpoint(folder)
            load_network(found)
        except CheckpointError as error:
            assert error.cause and error.fix
        else:
            assert name == CARD and found.card == saved.card  # white space, or \u00e9 for é: nothing was lost


@pytest.mark.parametrize("name", [CARD, WEIGHTS])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_noticed(saved: Checkpoint, tmp_path: Path, name: str, share: float) -> None:
    folder = _copy(saved, tmp_path / "small")
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError) as caught:
        load_network(read_checkpoint(folder))
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"name": NaN}', b'{"a": ' * 2000, b"1" * 5000],
)
def test_a_card_that_is_something_else_is_refused(saved: Checkpoint, tmp_path: Path, content: bytes) -> None:
    folder = _copy(saved, tmp_path / "small")
    (folder / CARD).write_bytes(content)
    with pytest.raises(CheckpointError):
        read_checkpoint(folder)


def test_missing_weights_and_folders_in_place_of_files_are_refused(saved: Checkpoint, tmp_path: Path) -> None:
    folder = _copy(saved, tmp_path / "small")
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_network(read_checkpoint(folder))
    (folder / WEIGHTS).mkdir()
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_network(read_checkpoint(folder))
    (folder / CARD).unlink()
    (folder / CARD).mkdir()
    with pytest.raises(CheckpointError):
        read_checkpoint(folder)


def test_weights_of_another_checkpoint_are_refused(saved: Checkpoint, tmp_path: Path) -> None:
    folder = _copy(saved, tmp_path / "small")
    other = save_small(tmp_path / "other", seed=1)
    (folder / WEIGHTS).write_bytes((other.path / WEIGHTS).read_bytes())
    with pytest.raises(CheckpointError, match="cannot be used") as caught:
        load_network(read_checkpoint(folder))
    assert "SHA-256" in caught.value.cause


def test_a_card_with_figures_that_are_not_numbers_cannot_be_made() -> None:
    figure = {"value": float("nan"), "low": 0.0, "high": 1.0, "n": 3}
    with pytest.raises(ValueError, match="finite"):
        make_card(make_network(), metrics={"test": {"class": {"accuracy": figure}}})
