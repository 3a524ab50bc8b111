"""Which images make up which batch: a pure function of seed and epoch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from training.augment import stable_seed

Rows = npt.NDArray[np.int64]


def epoch_batches(
    rows: Rows, codes: npt.NDArray[np.int32], sampler: str, batch_size: int, seed: int, epoch: int
) -> list[Rows]:
    """Batches of rows for one epoch; `codes` (N,) are the primary labels of `rows`, -1 where missing.

    `shuffle` shows each row once; `balanced` draws as many rows with replacement, each with the inverse
    frequency of its label. A last batch of a single row is left out: batch statistics need two.
    """
    generator = torch.Generator().manual_seed(stable_seed("order", seed, epoch))
    if sampler == "balanced":
        weights = torch.from_numpy(inverse_frequency(codes))
        order = torch.multinomial(weights, len(rows), replacement=True, generator=generator)
    else:
        order = torch.randperm(len(rows), generator=generator)
    shuffled = rows[order.numpy()]
    batches = [shuffled[start : start + batch_size] for start in range(0, len(shuffled), batch_size)]
    return [batch for batch in batches if len(batch) > 1] or batches


def batch_count(rows: int, batch_size: int) -> int:
    """How many batches `epoch_batches` makes of `rows` rows."""
    full, rest = divmod(rows, batch_size)
    return max(1, full + (rest > 1))


def inverse_frequency(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Weights (N,) of rows, 1 / (rows of that label); one without a label weighs as the average."""
    known = codes >= 0
    counts = np.bincount(codes[known])
    weights = np.ones(len(codes), dtype=np.float64)
    if known.any():
        weights[known] = 1.0 / counts[codes[known]]
        weights[~known] = weights[known].mean()
    return weights
