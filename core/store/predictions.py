"""What one checkpoint says about one data set: logits and embeddings in the order of the data set's rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.data.taxonomy import Taxonomy
from core.errors import StoreError

Embeddings = npt.NDArray[np.float16] | npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Logits of every head and, on demand, embeddings; row i belongs to row i of `Dataset.table`.

    Rows that are not indexed, or whose image could not be read, are `present == False` and NaN everywhere.
    Arrays are shared between pages: treat them as read-only.
    """

    dataset_fingerprint: str
    checkpoint_hash: str
    checkpoint_name: str
    taxonomy: Taxonomy
    """The checkpoint's tasks and labels, which may differ from the data set's."""
    present: npt.NDArray[np.bool_]
    """(N,) bool: which rows have a prediction."""
    logits: Mapping[str, npt.NDArray[np.float32]]
    """Per task (N, L) float32, columns in the order of the task's labels."""
    temperature: Mapping[str, float] = field(default_factory=dict)
    """Per task, what logits are divided by before the softmax; a task that is not named has 1."""
    engine: str = ""
    precision: str = ""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Why images have no prediction: sha -> reason."""
    load: Callable[[], Embeddings] | None = field(default=None, repr=False)
    """Reads the embeddings (N, D) from the store."""

    def __len__(self) -> int:
        return len(self.present)

    def probabilities(self, task: str) -> npt.NDArray[np.float32]:
        """Softmax of `task`'s logits over its temperature: (N, L) float32 in [0, 1], NaN rows where absent.

        Raises DataError for a task that the checkpoint does not have.
        """
        from scipy.special import softmax

        name = self.taxonomy[task].name
        scaled = self.logits[name] / np.float32(self.temperature.get(name, 1.0))
        return np.asarray(softmax(scaled, axis=1), dtype=np.float32)

    def embeddings(self) -> npt.NDArray[np.float32]:
        """Embeddings (N, D) float32, NaN rows where absent; read from the store at each call, so keep them.

        Raises StoreError when the store cannot be read any more.
        """
        return self.compact_embeddings().astype(np.float32, copy=False)

    def compact_embeddings(self) -> Embeddings:
        """The same (N, D) in the store's own precision (float16 as a rule): half the memory."""
        if self.load is None:
            raise StoreError(
                "These predictions come without embeddings",
                cause="They were not read from a feature store.",
                fix="Read them with FeatureStore.predictions.",
            )
        return self.load()
