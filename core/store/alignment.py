"""A snapshot brought into the order of a data set's rows, by image sha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.data.dataset import Dataset
from core.store.predictions import Embeddings
from core.store.snapshot import Snapshot


@dataclass(frozen=True)
class IndexStatus:
    """How far a data set is indexed, in rows; `engine` and `precision` are "" where nothing is."""

    done: int
    total: int
    failed: int
    engine: str
    precision: str

    @property
    def pending(self) -> int:
        """Rows that `index` would work on."""
        return self.total - self.done - self.failed

    @property
    def complete(self) -> bool:
        """Whether every row is either predicted or known to be unreadable."""
        return self.pending == 0


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where each of a data set's N rows lies in a snapshot."""

    snapshot: Snapshot
    order: npt.NDArray[np.int64]
    """(N,) row of the snapshot, -1 where the image is not in it."""
    present: npt.NDArray[np.bool_]
    """(N,) whether the row has a prediction."""

    @classmethod
    def of(cls, dataset: Dataset, snapshot: Snapshot) -> Alignment:
        """Join the data set's rows to the snapshot's on the images' sha."""
        wanted = image_shas(dataset)
        found = pc.index_in(wanted, value_set=snapshot.shas.cast(pa.string()))
        order = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        good = pc.equal(snapshot.status, "").to_numpy(zero_copy_only=False)
        present = (order >= 0) & good[order] if len(good) else np.zeros(len(dataset), dtype=bool)
        present.flags.writeable = False
        return cls(snapshot, order, present)

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """(N,) rows whose image could not be predicted."""
        return (self.order >= 0) & ~self.present

    def failures(self) -> dict[str, str]:
        """Why: sha -> reason."""
        rows = pa.array(np.unique(self.order[self.failed]))
        return dict(
            zip(
                self.snapshot.shas.take(rows).to_pylist(),
                self.snapshot.status.take(rows).to_pylist(),
                strict=True,
            )
        )

    def logits(self, head: int) -> npt.NDArray[np.float32]:
        """Logits (N, L) float32 of the head at that position, read-only, NaN rows where absent."""
        source = self.snapshot.logits[head]
        if self._identical(len(source)):
            return source
        found = np.full((len(self.order), source.shape[1]), np.nan, dtype=np.float32)
        found[self.present] = source[self.order[self.present]]
        found.flags.writeable = False
        return found

    def embeddings(self) -> Embeddings:
        """Embeddings (N, D) in the store's precision, NaN rows where absent. Raises OSError, ValueError."""
        source = self.snapshot.embeddings()
        if self._identical(len(source)):
            return source
        found = np.full((len(self.order), source.shape[1]), np.nan, dtype=source.dtype)
        found[self.present] = source[self.order[self.present]]
        return found

    def _identical(self, rows: int) -> bool:
        """Whether the snapshot's rows are the data set's, whole and in order: nothing is copied then."""
        return bool(
            rows == len(self.order) and self.present.all() and np.array_equal(self.order, np.arange(rows))
        )


def image_shas(dataset: Dataset) -> pa.Array:
    """The data set's column of shas (N,) as Arrow strings."""
    found = pa.array(dataset.table["sha"], from_pandas=True)
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return found.cast(pa.string())
