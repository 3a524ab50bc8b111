"""What pages read, read once per process: data sets, checkpoints, predictions. Thin, and nothing here draws.

Every cached value is shared between visitors and read-only. Keys are fingerprints and the times of the files
behind them; arguments that begin with an underscore are carried along and are no part of a key.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.data import Dataset, open_dataset
from core.errors import DataError, StoreError, VitrineError
from core.evaluation.outcomes import Outcomes
from core.evaluation.outcomes import outcomes as read_outcomes
from core.files import cache_key
from core.models import Checkpoint, list_checkpoints
from core.progress import Progress
from core.settings import Settings
from core.slices import read_slices, slice_masks
from core.store import FeatureStore, Predictions
from pages.ui import opening
from pages.ui.text import file_name

PLACEHOLDER = "placeholder"
PREPARE = "VITRINE_PREPARE"
"""Environment variable: "1" builds what is missing as soon as a page asks for it."""
Problems = list[tuple[Path, VitrineError]]


def settings() -> Settings:
    """The settings of this process's environment."""
    return Settings.from_environment()


def prepares() -> bool:
    """Whether what a data set lacks is built when it is opened, as `make app` asks; never when read-only."""
    return os.environ.get(PREPARE) == "1" and not settings().read_only


def datasets() -> dict[str, Path]:
    """The data sets' folders by a name of their own, the default first.

    Where none is named and the built-in one is absent, the drawn placeholder under the cache stands in.
    """
    chosen = settings()
    found: dict[str, Path] = {}
    for root in chosen.data:
        name, number = root.name, 2
        while name in found:
            name, number = f"{root.name}-{number}", number + 1
        found[name] = root
    if not os.environ.get("VITRINE_DATA") and not any(root.is_dir() for root in found.values()):
        return {PLACEHOLDER: _placeholder(str(chosen.cache))}
    return found


def dataset(name: str) -> Dataset:
    """The data set of that name. Raises DataError."""
    roots = datasets()
    if name not in roots:
        raise DataError(
            f"There is no data set '{name}' here",
            cause=f"The data sets are: {', '.join(roots)}.",
            fix="Choose one in the sidebar, or start Vitrine with DATA=<folder>.",
        )
    key = (str(roots[name]), str(settings().cache), _stamp(roots[name]))
    return opening.opened(key, lambda progress: _dataset(*key, progress))


def checkpoints() -> tuple[list[Checkpoint], Problems]:
    """Every readable checkpoint by name, and the folders that are not readable with the reason."""
    chosen = settings()
    cards = [card for parent in chosen.checkpoints for card in sorted(parent.glob("*/card.json"))]
    stamp = tuple((str(card), card.stat().st_mtime_ns, card.stat().st_size) for card in cards)
    return _checkpoints(chosen.checkpoints, stamp)


def store() -> FeatureStore:
    """The feature store under the cache folder."""
    return _store(str(settings().cache))


def predictions(data: Dataset, checkpoint: Checkpoint) -> Predictions:
    """What `checkpoint` says about `data`. Raises StoreError: nothing is indexed, or files are damaged."""
    found = indexed(data, checkpoint)
    if found is None:
        raise StoreError(
            f"'{data.name}' is not indexed with checkpoint '{checkpoint.name}'",
            fix=f"Run: python -m core index --data {data.root} --checkpoint {checkpoint.name}",
        )
    return found


def indexed(data: Dataset, checkpoint: Checkpoint, precision: str = "auto") -> Predictions | None:
    """What `checkpoint` says about `data`, or None when nothing is indexed. Raises StoreError on damage.

    "auto" is any precision but int8.
    """
    cache = str(settings().cache)
    version = f"{store().version(checkpoint)} {heat(checkpoint.card.temperature)}"
    return _predictions(data.fingerprint, checkpoint.hash, version, cache, precision, data, checkpoint)


def outcomes(data: Dataset, predicted: Predictions, task: str) -> Outcomes:
    """One head of `predicted` on the rows of `data`."""
    return _outcomes(*identity(data, predicted), task, data, predicted)


def slices_file(data: Dataset) -> Path:
    """Where the saved slices of `data` lie: by its name, since a corrected label changes its fingerprint."""
    return settings().saved / "slices" / f"{file_name(data.name)}.json"


def slices(data: Dataset) -> Mapping[str, npt.NDArray[np.bool_]]:
    """The rows (N,) bool of each saved slice of `data`. Raises StoreError: the file is damaged."""
    file = slices_file(data)
    try:
        stamp = file.stat()
    except OSError:
        return {}
    return _slices(str(file), stamp.st_mtime_ns, stamp.st_size, stamp.st_ino, data.fingerprint, data)


def identity(data: Dataset, predicted: Predictions) -> tuple[str, str, str]:
    """A key for everything computed from these predictions on this data set, probabilities included."""
    fingerprint, checkpoint, state = features(data, predicted)
    return fingerprint, checkpoint, f"{state}/{heat(predicted.temperature)}"


def features(data: Dataset, predicted: Predictions) -> tuple[str, str, str]:
    """A key for what is computed from the embeddings alone: a new temperature leaves it as it is."""
    present = hashlib.sha256(np.packbits(predicted.present).tobytes()).hexdigest()
    return data.fingerprint, predicted.checkpoint_hash, f"{predicted.engine}/{predicted.precision}/{present}"


def heat(temperature: Mapping[str, float]) -> str:
    """A key for the temperatures that probabilities are computed with."""
    return cache_key("temperature", of=dict(temperature))


def forget() -> None:
    """Read everything again: after a data set was mended, a model trained or features were built."""
    for cached in (_dataset, _checkpoints, _predictions, _outcomes):
        cached.clear()
    opening.forget()


def _stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """When the files that describe a data set last changed; photographs are checked after `forget`."""
    folders = [path for path in sorted(root.iterdir()) if path.is_dir()][:1000] if root.is_dir() else []
    watched = [root, root / "labels.csv", root / "vitrine.toml", *folders]
    return tuple((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in watched if p.exists())


@st.cache_resource(show_spinner=False, max_entries=8)
def _dataset(root: str, cache: str, stamp: tuple[tuple[str, int, int], ...], _progress: Progress) -> Dataset:
    return open_dataset(Path(root), cache=Path(cache), progress=_progress)


@st.cache_resource(show_spinner=False)
def _placeholder(cache: str) -> Path:
    from core.data.placeholder import draw_placeholder

    return draw_placeholder(Path(cache) / PLACEHOLDER)


@st.cache_resource(show_spinner=False, max_entries=4)
def _checkpoints(
    folders: tuple[Path, ...], stamp: tuple[tuple[str, int, int], ...]
) -> tuple[list[Checkpoint], Problems]:
    return list_checkpoints(settings())


@st.cache_resource(show_spinner=False)
def _store(cache: str) -> FeatureStore:
    return FeatureStore(Path(cache))


@st.cache_resource(show_spinner="Reading predictions", max_entries=16)
def _predictions(
    fingerprint: str,
    checkpoint: str,
    version: str,
    cache: str,
    precision: str,
    _data: Dataset,
    _checkpoint: Checkpoint,
) -> Predictions | None:
    features = store()
    if not features.status(_data, _checkpoint, precision=precision).done:
        return None
    return features.predictions(_data, _checkpoint, precision=precision)


@st.cache_resource(show_spinner=False, max_entries=8)
def _slices(
    file: str, time: int, size: int, number: int, fingerprint: str, _data: Dataset
) -> Mapping[str, npt.NDArray[np.bool_]]:
    ids = _data.table["image_id"].to_numpy().astype(str)
    return slice_masks(read_slices(Path(file)), ids)


@st.cache_resource(show_spinner=False, max_entries=64)
def _outcomes(
    fingerprint: str, checkpoint: str, present: str, task: str, _data: Dataset, _predictions: Predictions
) -> Outcomes:
    return read_outcomes(_data, _predictions, task)
