"""Images to try: uploads, checked and decoded outside this process, and images of the open data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.data.images import read_bytes
from core.errors import ImageError, VitrineError
from core.files import sha256_bytes
from core.models import Checkpoint
from pages.ui.state import View
from pages.ui.workers import decoder, worker

TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]
"""Name endings that the browser offers; what a file really is, the decoder finds out."""
LARGEST_MB = 20
"""Largest upload in MiB."""
MOST = 16
"""Images at a time."""


class Upload(Protocol):
    """What Streamlit hands over for an uploaded file."""

    name: str
    size: int

    def getvalue(self) -> bytes: ...


@dataclass(frozen=True)
class Sample:
    """One image to try. `data` are the file's own bytes, `preview` a JPEG that this program encoded."""

    name: str
    sha: str
    data: bytes = field(repr=False)
    preview: bytes = field(repr=False)
    width: int = 0
    height: int = 0
    row: int | None = None
    """Row in the open data set, None for an upload."""
    truth: dict[str, str] = field(default_factory=dict)
    """True label by task, where the data set knows it."""


@dataclass(frozen=True)
class Refusal:
    """One file that cannot be used, and why."""

    name: str
    error: VitrineError


def embedding_of_upload(checkpoint: Checkpoint, sample: Sample) -> npt.NDArray[np.float32]:
    """The embedding (D,) of an upload, computed in the worker that owns the networks. Raises VitrineError."""
    with st.spinner("Asking the network… the first time takes some seconds"):
        return _embedding(checkpoint.hash, sample.sha, checkpoint.path, sample.data)


@st.cache_data(show_spinner=False, max_entries=64)
def _embedding(checkpoint: str, sha: str, _path: Path, _data: bytes) -> npt.NDArray[np.float32]:
    answer = worker().ask("predict", {"checkpoint": str(_path)}, [_data], limit=60.0)
    return np.frombuffer(answer.parts[0], dtype=np.float32)


def read_uploads(files: Sequence[Upload]) -> tuple[list[Sample], list[Refusal]]:
    """Check and decode uploads one by one: a bad one never stops the others."""
    samples: list[Sample] = []
    refused: list[Refusal] = []
    for number, file in enumerate(files):
        try:
            if number >= MOST:
                raise ImageError("Too many images at once", cause=f"The limit is {MOST}.", fix="Remove some.")
            samples.append(_read(file))
        except VitrineError as error:
            refused.append(Refusal(file.name, error))
    return samples, refused


def read_row(view: View, row: int) -> Sample:
    """An image of the open data set with its true labels. Raises ImageError, InferenceError."""
    data = read_bytes(view.dataset.file(row))
    truth = {
        name: view.dataset.taxonomy[name].labels[code]
        for name in view.dataset.taxonomy.names
        if (code := int(view.dataset.codes(name)[row])) >= 0
    }
    name = str(view.dataset.table["path"].iat[row])
    return _decoded(name, data, row=row, truth=truth)


def _read(file: Upload) -> Sample:
    if file.size > LARGEST_MB * 2**20:
        raise ImageError(
            "The file is too large",
            cause=f"{file.size / 2**20:.0f} MiB; the limit is {LARGEST_MB} MiB.",
            fix="Save it smaller or with stronger compression.",
        )
    return _decoded(file.name, file.getvalue())


def _decoded(name: str, data: bytes, row: int | None = None, truth: dict[str, str] | None = None) -> Sample:
    sha = sha256_bytes(data)
    preview, width, height = _preview(sha, data)
    return Sample(name, sha, data, preview, width, height, row, truth or {})


@st.cache_data(show_spinner=False, max_entries=64)
def _preview(sha: str, _data: bytes) -> tuple[bytes, int, int]:
    """Decoding happens in the worker: a file that crashes a decoder takes only that process down."""
    if not _data:
        raise ImageError("The file is empty", cause="It has no bytes.", fix="Choose the file again.")
    answer = decoder().ask("preview", {}, [_data], limit=30.0)
    return answer.parts[0], int(answer.values["width"]), int(answer.values["height"])
