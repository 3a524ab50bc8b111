"""What a page that only reads the store must not pay for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.data import open_dataset
from core.models.checkpoint import write_card
from core.settings import HOME
from core.store import FeatureStore
from tests.store_fakes import Engines, fake_checkpoint

READ = """
import sys
from pathlib import Path
from core.data import open_dataset
from core.models import list_checkpoints
from core.settings import Settings
from core.store import FeatureStore
settings = Settings.from_environment()
checkpoint = list_checkpoints(settings)[0][0]
dataset = open_dataset(settings.data[0], cache=settings.cache)
predictions = FeatureStore(settings.cache).predictions(dataset, checkpoint)
assert predictions.present.all() and len(predictions.embeddings()) == len(dataset)
from core.evaluation import confusion, outcomes
found = outcomes(dataset, predictions, dataset.taxonomy.primary.name)
assert confusion(found, found.scored).n
heavy = {"torch", "torchvision", "umap", "timm", "lancedb", "streamlit", "openvino", "sklearn", "cleanlab",
         "scipy.stats", "statsmodels"}
print(sorted(heavy & set(sys.modules)))
"""


def test_reading_and_the_matrix_import_neither_torch_nor_lancedb_nor_scikit_learn(
    tmp_path: Path, placeholder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Engines(monkeypatch)
    dataset = open_dataset(placeholder_root, cache=tmp_path)
    checkpoint = fake_checkpoint(dataset)
    write_card(tmp_path / "checkpoints" / checkpoint.name, checkpoint.card)
    FeatureStore(tmp_path).index(dataset, checkpoint)
    environment = {
        "VITRINE_DATA": str(placeholder_root),
        "VITRINE_CACHE": str(tmp_path),
        "VITRINE_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "PATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ], cwd=HOME, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
