"""Optional search by CLIP: off, absent, incomplete and damaged are told; a model finds images by words."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.__main__ import FAILED, main
from core.data import Dataset, decode_rgb, open_dataset
from core.errors import CheckpointError, ImageError
from core.models.checkpoint import write_card
from core.retrieval.clip import CONFIG, WEIGHTS, Clip, ClipStore, clip_folder, search_clip
from core.settings import Settings
from tests.clip_case import FakeModel, clip_model
from tests.store_fakes import Engines, fake_checkpoint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return clip_model(tmp_path, monkeypatch)


@pytest.fixture
def dataset(settings: Settings) -> Dataset:
    return open_dataset(settings.data[0])


def test_it_is_off_without_the_setting() -> None:
    with pytest.raises(CheckpointError, match="CLIP is off") as caught:
        clip_folder({})
    assert "VITRINE_CLIP" in caught.value.cause and "requirements-clip.txt" in caught.value.fix


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_what_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match="not there") as caught:
        clip_folder()
    assert name in caught.value.cause


@pytest.mark.parametrize(
    ("config", "title"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"model_cfg": {"text_cfg": {"hf_tokenizer_name": "somebody/tokens"}}}', "model hub"),
    ],
)
def test_a_config_that_is_damaged_or_leads_elsewhere_is_refused(
    folder: Path, config: str, title: str
) -> None:
    (folder / CONFIG).write_text(config)
    with pytest.raises(CheckpointError, match=title):
        clip_folder()


def test_without_the_library_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(CheckpointError, match="not installed") as caught:
        Clip(folder)
    assert "requirements-clip.txt" in caught.value.fix


def test_words_find_pictures_and_only_new_ones_are_embedded(
    folder: Path, dataset: Dataset, tmp_path: Path
) -> None:
    clip = Clip(folder)
    store = ClipStore(tmp_path / "cache", clip.hash)
    with pytest.raises(CheckpointError, match="has not seen"):
        store.vectors(dataset)
    told: list[tuple[int, int]] = []
    assert store.index(dataset, clip, lambda done, total, note: told.append((done, total))) == 0
    shas = set(dataset.table["sha"])
    assert FakeModel.calls == len(dataset) and told[-1] == (len(dataset), len(dataset))
    kept = store.read()
    kept.pop(sorted(shas)[0])
    store.write(kept)
    store.index(dataset, clip)
    assert FakeModel.calls == len(dataset) + sum(dataset.table["sha"] == sorted(shas)[0])
    result = search_clip(store.vectors(dataset), clip, "something red", k=5)
    assert result.method == "clip" and [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    pixels = np.stack([clip.images([_picture(dataset, row)])[0] for row in range(len(dataset))])
    wanted = pixels[:, 0] / np.linalg.norm(pixels, axis=1)
    assert wanted[list(result.rows)].min() >= np.sort(wanted)[-5] - 2e-3


def test_a_damaged_file_is_built_again(folder: Path, dataset: Dataset, tmp_path: Path) -> None:
    clip = Clip(folder)
    store = ClipStore(tmp_path / "cache", clip.hash)
    store.index(dataset, clip)
    store.path.write_bytes(store.path.read_bytes()[:100])
    assert store.read() == {}
    store.index(dataset, clip)
    assert len(store.read()) == dataset.table["sha"].nunique()


def test_an_image_that_cannot_be_read_is_looked_at_once(
    folder: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = dataset.file(3)
    asked = []

    def decode(path: Path) -> Any:
        asked.append(path)
        if path == broken:
            raise ImageError("This is no image", cause="It is cut off.", fix="Copy it again.")
        return decode_rgb(path)

    monkeypatch.setattr("core.retrieval.clip.decode_rgb", decode)
    clip = Clip(folder)
    store = ClipStore(tmp_path / "cache", clip.hash)
    assert store.waiting(dataset) == len(dataset)
    assert store.index(dataset, clip) == 1 and store.waiting(dataset) == 0
    assert asked.count(broken) == 1
    assert store.index(dataset, clip) == 1  # known from the first time
    assert asked.count(broken) == 1
    vectors = store.vectors(dataset)
    assert [row for row in range(len(dataset)) if not vectors.usable[row]] == [3]
    assert 3 not in search_clip(vectors, clip, "something red", k=len(dataset)).rows


def test_on_the_command_line(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(settings.data[0])
    write_card(settings.checkpoints[0] / "one", fake_checkpoint(dataset, "one", "a").card)
    monkeypatch.setenv("VITRINE_DATA", str(settings.data[0]))
    monkeypatch.setenv("VITRINE_CACHE", str(settings.cache))
    monkeypatch.setenv("VITRINE_CHECKPOINTS", str(settings.checkpoints[0]))
    Engines(monkeypatch)
    asked = ["search", "--checkpoint", "one", "--text", "a red thing", "--clip", "-k", "3"]
    assert main(asked) == FAILED
    assert "clip-index" in capsys.readouterr().err
    assert main(["clip-index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == len(dataset)
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["method"] == "clip" and len(found["hits"]) == 3
    assert {"predicted", "truth", "path"} <= set(found["hits"][0])
    assert main(["search", "--checkpoint", "one", "--image", "x.jpg", "--clip"]) == FAILED


def _picture(dataset: Dataset, row: int) -> Any:
    return decode_rgb(dataset.file(row))
