"""A stand-in for open_clip, which is optional: its picture tower returns mean colours, its word tower the
colour that a word names."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.retrieval.clip import CONFIG, WEIGHTS

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}


class FakeModel:
    """Two towers over mean colours; `calls` counts the pictures that were embedded."""

    calls = 0

    def eval(self) -> FakeModel:
        return self

    def encode_image(self, batch: Any) -> Any:
        FakeModel.calls += len(batch)
        return batch.mean(dim=(2, 3)) - 0.3

    def encode_text(self, texts: list[str]) -> Any:
        import torch

        named = [next((c for word, c in COLOURS.items() if word in text), (0.3, 0.3, 0.3)) for text in texts]
        return torch.tensor(named)


def clip_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights that VITRINE_CLIP names, and a stand-in for open_clip."""
    found = tmp_path / "model"
    found.mkdir()
    (found / CONFIG).write_text(json.dumps({"model_cfg": {"text_cfg": {"vocab_size": 9}}}))
    (found / WEIGHTS).write_bytes(b"weights")
    monkeypatch.setenv("VITRINE_CLIP", str(found))

    def transform(picture: Any) -> Any:
        import torch

        pixels = np.asarray(picture.resize((16, 16)), dtype=np.float32) / 255
        return torch.from_numpy(pixels).permute(2, 0, 1)

    module: Any = ModuleType("open_clip")
    module.create_model_from_pretrained = lambda source: (FakeModel(), transform)
    module.get_tokenizer = lambda source: lambda texts: texts
    monkeypatch.setitem(sys.modules, "open_clip", module)
    FakeModel.calls = 0
    return found
