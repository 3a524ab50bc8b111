"""One checkpoint as something to search: what it believes, says in words, and where it places images."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from core.files import cache_key, sha256_bytes
from core.progress import Progress, silent
from core.retrieval.descriptions import Descriptions
from core.retrieval.probabilities import Beliefs
from core.retrieval.vectors import Vectors
from core.store.predictions import Predictions


class Source:
    """Search structures over one checkpoint's predictions, each built when it is first needed and kept."""

    def __init__(
        self,
        predictions: Predictions,
        *,
        ann: Path | None = None,
        build: bool = True,
        progress: Progress = silent,
    ) -> None:
        """`ann`: where an approximate index is kept between runs, where it is needed at all; without `build`
        every row is compared until `core search-index` has made it."""
        self.predictions = predictions
        self.name = predictions.checkpoint_name
        self._ann, self._build, self._progress = ann, build, progress

    def __len__(self) -> int:
        return len(self.predictions)

    @cached_property
    def beliefs(self) -> Beliefs:
        """Calibrated probabilities by label."""
        return Beliefs(self.predictions)

    @cached_property
    def descriptions(self) -> Descriptions:
        """Predicted descriptions under TF-IDF."""
        return Descriptions(self.beliefs)

    @property
    def ready(self) -> bool:
        """Whether search by image can answer at once: vectors were read, and indexed where they are many."""
        return "vectors" in self.__dict__

    @cached_property
    def vectors(self) -> Vectors:
        """Embeddings under cosine. Raises StoreError where they cannot be read."""
        embeddings = self.predictions.compact_embeddings()
        return Vectors(embeddings, path=self._ann, build=self._build, progress=self._progress)


def index_file(cache: Path, fingerprint: str, predictions: Predictions) -> Path:
    """Where the approximate index of a checkpoint's embeddings of a data set lies."""
    key = cache_key(
        "ann 2",
        data=fingerprint,
        checkpoint=predictions.checkpoint_hash,
        variant=f"{predictions.engine}/{predictions.precision}",
        present=sha256_bytes(np.packbits(predictions.present).tobytes()),
    )
    return cache / "retrieval" / f"{key}.faiss"
