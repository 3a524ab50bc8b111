"""Rows of a features table: what a network said of images, or why it said nothing.

A row without a prediction holds zeros, because LanceDB refuses NaN in vectors; readers go by its status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import StoreError
from core.store.checks import row_checks
from core.store.snapshot import logit_columns
from core.store.table import append
from core.store.variant import Entry, Variant

if TYPE_CHECKING:
    from core.inference import Outputs

OUT_OF_RANGE = "The network's output is not finite, or too large for float16."


class FeatureRows:
    """Rows gathered for one commit."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.shas: list[str] = []
        self._status: list[str] = []
        self._embeddings: list[npt.NDArray[np.float16]] = []
        self._logits: list[list[npt.NDArray[np.float32]]] = []

    def __len__(self) -> int:
        return len(self.shas)

    def add(self, shas: list[str], outputs: Outputs) -> None:
        """Outputs of B images: embeddings (B, D), logits (B, L) per head. Raises StoreError for others."""
        if not shas:
            return
        heads = [np.array(outputs.logits[task], dtype=np.float32) for task in self.variant.taxonomy]
        with np.errstate(over="ignore"):
            vectors = np.array(outputs.embeddings, dtype=np.float16)
        blocks: list[npt.NDArray[Any]] = [*heads, vectors]
        shapes, wanted = [block.shape for block in blocks], [(len(shas), width) for width in self.widths]
        if shapes != wanted:
            raise StoreError(
                "The network's output does not fit its card",
                cause=f"Shapes {shapes}, not {wanted}.",
                fix="Convert or train the checkpoint again.",
            )
        good = np.all([np.isfinite(block).all(axis=1) for block in blocks], axis=0)
        for block in blocks:
            block[~good] = 0
        self._keep(shas, ["" if fine else OUT_OF_RANGE for fine in good], vectors, heads)

    def fail(self, sha: str, reason: str) -> None:
        """An image that cannot be predicted, so that it is counted and not tried again each time."""
        *heads, vector = (np.zeros((1, width), dtype=np.float32) for width in self.widths)
        self._keep([sha], [reason or "unknown"], vector.astype(np.float16), heads)

    @property
    def widths(self) -> list[int]:
        """Columns of every head's logits, then of the embedding."""
        return [*(len(labels) for labels in self.variant.taxonomy.values()), self.variant.embedding_dim]

    def table(self) -> pa.Table:
        """The rows with their checksums."""
        embeddings = np.concatenate(self._embeddings)
        heads = [np.concatenate(blocks) for blocks in zip(*self._logits, strict=True)]
        columns = dict(zip(logit_columns(self.variant), (_lists(head) for head in heads), strict=True))
        return pa.table(
            {
                "sha": pa.array(self.shas, pa.string()),
                "status": pa.array(self._status, pa.string()),
                "check": pa.array(row_checks(self.shas, self._status, [*heads, embeddings])),
                "embedding": _lists(embeddings),
                **columns,
            }
        )

    def _keep(
        self,
        shas: list[str],
        status: list[str],
        vectors: npt.NDArray[np.float16],
        heads: list[npt.NDArray[np.float32]],
    ) -> None:
        self.shas += shas
        self._status += status
        self._embeddings.append(vectors)
        self._logits.append(heads)


def append_rows(entry: Entry, rows: FeatureRows) -> None:
    """Commit `rows` to the entry's table, all or none. Raises StoreError."""
    if len(rows):
        append(entry.folder, rows.table())


def _lists(block: npt.NDArray[np.float16] | npt.NDArray[np.float32]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), block.shape[1])
