"""Optional search by any words: CLIP (Radford et al. 2021) through open_clip, from weights on this machine.

Off unless VITRINE_CLIP names a folder with open_clip's config and safetensors weights. Nothing is downloaded.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from core.data import Dataset, decode_rgb
from core.errors import CheckpointError, ImageError
from core.files import atomic_write, sha256_file
from core.progress import Progress, silent
from core.retrieval.result import Hit, Result
from core.retrieval.vectors import Vectors

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
BATCH, SAVE_EVERY = 16, 256
Floats = npt.NDArray[np.float32]


def clip_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder that VITRINE_CLIP names. Raises CheckpointError: off, incomplete, or not all is local."""
    named = environment.get("VITRINE_CLIP", "")
    if not named:
        raise CheckpointError(
            "Search by CLIP is off",
            cause="VITRINE_CLIP names no folder of weights.",
            fix=f"Set it to a folder with {CONFIG} and {WEIGHTS}, and install requirements-clip.txt.",
        )
    folder = Path(named).expanduser()
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            "The CLIP weights are not there",
            cause=f"{folder.name} has no {' and no '.join(missing)}.",
            fix="Copy the model's folder here; nothing is downloaded.",
        )
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        text = config.get("model_cfg", config).get("text_cfg", {})
        elsewhere = [name for name in ("hf_model_name", "hf_tokenizer_name") if text.get(name)]
    except (ValueError, AttributeError) as error:
        raise CheckpointError(
            "The CLIP config cannot be read", cause=str(error), fix="Copy the folder again."
        ) from error
    if elsewhere:
        raise CheckpointError(
            "This CLIP model needs files from a model hub",
            cause=f"Its config names {', '.join(elsewhere)}.",
            fix="Use a model with CLIP's own tokenizer, e.g. ViT-B-32.",
        )
    return folder


class Clip:
    """The two towers of one CLIP model, on the CPU."""

    def __init__(self, folder: Path) -> None:
        """Load the model. Raises CheckpointError: open_clip is not installed, or the weights do not fit."""
        try:
            import open_clip  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise CheckpointError(
                "open_clip is not installed",
                cause=str(error),
                fix="pip install -r requirements-clip.txt",
            ) from error
        source = f"local-dir:{folder.resolve()}"
        try:
            self._model, self._transform = open_clip.create_model_from_pretrained(source)
            self._tokens = open_clip.get_tokenizer(source)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                "The CLIP model cannot be loaded", cause=str(error), fix="Copy the model's folder again."
            ) from error
        self._model.eval()
        self.hash = sha256_file(folder / WEIGHTS)

    def images(self, pictures: Sequence[Any]) -> Floats:
        """Embeddings (B, D) float32 of PIL images."""
        import torch

        batch = torch.stack([self._transform(picture) for picture in pictures])
        with torch.inference_mode():
            return np.asarray(self._model.encode_image(batch).float().numpy(), dtype=np.float32)

    def words(self, text: str) -> Floats:
        """The embedding (D,) float32 of a text."""
        import torch

        with torch.inference_mode():
            found = self._model.encode_text(self._tokens([text]))
        return np.asarray(found[0].float().numpy(), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ClipStore:
    """Embeddings of images under one CLIP model, by their content; kept in one file of the cache."""

    cache: Path
    model: str

    @property
    def path(self) -> Path:
        """The file: shas (N,) and vectors (N, D) float16, NaN for images that cannot be read."""
        return self.cache / "clip" / f"{self.model[:16]}.npz"

    def read(self) -> dict[str, npt.NDArray[np.float16]]:
        """Embeddings by SHA-256; empty where nothing was kept or the file is damaged."""
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as kept:
                return dict(zip(kept["shas"].tolist(), kept["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return {}

    def write(self, found: dict[str, npt.NDArray[np.float16]]) -> None:
        """Keep these, whole or not at all."""
        stream = io.BytesIO()
        np.savez(stream, shas=np.asarray(list(found)), vectors=np.stack(list(found.values())))
        atomic_write(self.path, stream.getvalue())

    def index(self, dataset: Dataset, clip: Clip, progress: Progress = silent) -> int:
        """Embed what is not kept yet, saving now and then; how many images cannot be read."""
        found, shas = self.read(), dataset.table["sha"].astype(str).tolist()
        waiting = [row for row, sha in enumerate(shas) if sha not in found]
        failed: set[str] = set()
        try:
            for start in range(0, len(waiting), BATCH):
                progress(len(shas) - len(waiting) + start, len(shas), "CLIP")
                self._batch(dataset, clip, waiting[start : start + BATCH], found, failed)
                if found and start % SAVE_EVERY == 0:
                    self.write(found)
        finally:
            if found:
                self.write(found)
        if found and failed:
            none = np.full_like(next(iter(found.values())), np.nan)
            self.write(found | dict.fromkeys(failed, none))
        progress(len(shas), len(shas), "CLIP")
        return sum(sha in failed or bool(np.isnan(found[sha]).any()) for sha in shas)

    def waiting(self, dataset: Dataset) -> int:
        """How many images have not been looked at: neither embedded nor found unreadable."""
        found = self.read()
        return sum(sha not in found for sha in dataset.table["sha"].astype(str))

    def _batch(
        self,
        dataset: Dataset,
        clip: Clip,
        rows: Sequence[int],
        found: dict[str, npt.NDArray[np.float16]],
        failed: set[str],
    ) -> None:
        pictures, named = [], []
        for row in rows:
            sha = str(dataset.table["sha"].iat[row])
            try:
                pictures.append(decode_rgb(dataset.file(row)))
                named.append(sha)
            except ImageError:
                failed.add(sha)
        if pictures:
            found.update(zip(named, clip.images(pictures).astype(np.float16), strict=True))

    def vectors(self, dataset: Dataset) -> Vectors:
        """What was kept, in the data set's order. Raises CheckpointError where nothing of it was."""
        found = self.read()
        kept = [found.get(sha) for sha in dataset.table["sha"].astype(str)]
        known = next((vector for vector in kept if vector is not None and not np.isnan(vector).any()), None)
        if known is None:
            raise CheckpointError(
                "CLIP has not seen these images",
                cause="No embedding of this data set is in the cache.",
                fix="Run: python -m core clip-index",
            )
        none = np.full_like(known, np.nan)
        return Vectors(np.stack([none if vector is None else vector for vector in kept]))


def search_clip(
    vectors: Vectors, clip: Clip, text: str, *, k: int, keep: npt.NDArray[np.bool_] | None = None
) -> Result:
    """The `k` rows (of `keep` (N,) bool) whose picture CLIP finds likest to the words, by cosine; without
    reasons: CLIP has none to give."""
    began = time.perf_counter()
    rows, cosines = vectors.search(clip.words(text), k, keep=keep)
    hits = tuple(
        Hit(place + 1, int(row), float(cosine), float(cosine))
        for place, (row, cosine) in enumerate(zip(rows, cosines, strict=True))
    )
    seen = int(vectors.usable.sum())
    note = () if seen == len(vectors) else (f"CLIP has seen {seen} of {len(vectors)} images",)
    return Result(text, "clip", hits, note, milliseconds=1000 * (time.perf_counter() - began))
