"""Heads fitted on frozen features: missing labels masked, rare labels weighted up, picked by validation."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, dropout

from core.data.dataset import Dataset
from core.models.network import FEATURE_DROPOUT, MultiTaskNetwork, head_key
from core.progress import Progress, silent
from training.quick_features import Features, Further

_LEAST_STEPS = 8


@dataclass(frozen=True)
class HeadSettings:
    """How heads are fitted. Every weight decay is tried, and every epoch is a candidate."""

    epochs: int = 24
    batch_size: int = 64
    """At most; small data sets take smaller batches, so that an epoch has 8 steps or more."""
    learning_rate: float = 1e-3
    weight_decays: tuple[float, ...] = (0.01, 0.3)
    patience: int = 6
    """Epochs without a better validation log-loss after which a run is stopped."""
    held_out: float = 0.2
    """Share of the training images that picks where the data set has no validation images."""

    def to_json(self) -> dict[str, object]:
        """The settings as a card's recipe keeps them."""
        return {**asdict(self), "weight_decays": list(self.weight_decays)}


@dataclass(frozen=True)
class FittedHead:
    """What was picked for one task, and its curve: a record per epoch."""

    task: str
    weight_decay: float
    epochs: int
    history: tuple[dict[str, object], ...]


@dataclass(frozen=True)
class _Problem:
    """One task's training and validation features (n, D) with codes (n,), and a weight per label (L,)."""

    task: str
    x: Tensor
    y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    weight: Tensor


@dataclass(frozen=True)
class _Candidate:
    loss: float
    weight_decay: float
    epoch: int
    state: dict[str, Tensor]
    history: tuple[dict[str, object], ...]


def fit_heads(
    network: MultiTaskNetwork,
    features: Features,
    dataset: Dataset,
    settings: HeadSettings,
    *,
    further: Further | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[FittedHead, ...]:
    """Fit each of the network's heads in place; one without a labelled training image stays random."""
    fitted = []
    tasks = network.taxonomy.names
    for number, task in enumerate(tasks):
        progress(number, len(tasks), "fitting heads")
        problem = _problem(features, dataset, task, settings, seed, further)
        if problem is None:
            continue
        head = network.heads[head_key(task)]
        with _one_thread():
            trials = [_fit(head, problem, decay, settings, seed) for decay in settings.weight_decays]
        best = min(trials, key=lambda trial: trial.loss)
        head.load_state_dict(best.state)
        fitted.append(FittedHead(task, best.weight_decay, best.epoch, best.history))
    progress(len(tasks), len(tasks), "fitting heads")
    return tuple(fitted)


@contextmanager
def _one_thread() -> Iterator[None]:
    """These matrices are small: on busy cores, threads that wait for each other cost 20 times the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _problem(
    features: Features,
    dataset: Dataset,
    task: str,
    settings: HeadSettings,
    seed: int,
    further: Further | None,
) -> _Problem | None:
    codes = dataset.codes(task)
    usable = (codes >= 0) & np.isfinite(features.plain).all(axis=1)
    train = usable & dataset.split_mask("train")
    validation = usable & dataset.split_mask("val") if "val" in dataset.splits else np.zeros_like(train)
    if not train.any():
        return None
    if not validation.any():
        validation = train & _held_out(dataset.instances, settings.held_out, seed)
        train = train & ~validation if (train & ~validation).any() else train
    mirrored = train & np.isfinite(features.mirrored).all(axis=1)
    x = [features.plain[train], features.mirrored[mirrored]]
    y = [codes[train].astype(np.int64), codes[mirrored].astype(np.int64)]
    if further is not None:
        more, labels = further.of(task)
        x, y = [*x, more], [*y, labels]
    seen = np.concatenate([y[0], *y[2:]])
    return _Problem(
        task,
        torch.from_numpy(np.concatenate(x)),
        torch.from_numpy(np.concatenate(y)),
        torch.from_numpy(features.plain[validation]),
        torch.from_numpy(codes[validation].astype(np.int64)),
        _label_weights(seen, len(dataset.taxonomy[task].labels)),
    )


def _held_out(instances: npt.NDArray[np.int64], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Whole objects, drawn by the seed, that make up about `share` of all objects: (N,) bool."""
    objects = np.unique(instances)
    drawn = np.random.default_rng(seed).permutation(objects)[: max(1, round(share * len(objects)))]
    return np.isin(instances, drawn)


def _label_weights(codes: npt.NDArray[np.int64], labels: int) -> Tensor:
    """1 / sqrt(frequency), mean 1 over the images: between no balancing and full balancing. (L,) float32."""
    counts = np.bincount(codes, minlength=labels)
    weight = 1 / np.sqrt(np.maximum(counts, 1))
    return torch.tensor(weight / weight[codes].mean(), dtype=torch.float32)


def _fit(
    start: nn.Module, problem: _Problem, weight_decay: float, settings: HeadSettings, seed: int
) -> _Candidate:
    """One run from `start`'s weights; its best epoch by validation log-loss."""
    head = copy.deepcopy(start).train()
    batch_size = min(settings.batch_size, max(2, len(problem.x) // _LEAST_STEPS))
    steps = math.ceil(len(problem.x) / batch_size)
    optimizer = torch.optim.AdamW(
        head.parameters(), lr=settings.learning_rate, weight_decay=weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * steps)
    best = _Candidate(math.inf, weight_decay, 0, {}, ())
    history: list[dict[str, object]] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for epoch in range(1, settings.epochs + 1):
            train_loss = _epoch(head, problem, optimizer, schedule, batch_size)
            loss, accuracy = _validate(head, problem)
            figures = {"train_loss": train_loss, "val_loss": loss, "val_accuracy": accuracy}
            history.append({"task": problem.task, "epoch": epoch, **figures})
            if epoch - best.epoch > settings.patience:
                break
            if loss < best.loss:
                best = _Candidate(loss, weight_decay, epoch, copy.deepcopy(head.state_dict()), ())
    return replace(best, history=tuple(history))


def _epoch(
    head: nn.Module,
    problem: _Problem,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batch_size: int,
) -> float:
    head.train()
    total = 0.0
    for rows in torch.split(torch.randperm(len(problem.x)), batch_size):
        logits = head(dropout(problem.x[rows], FEATURE_DROPOUT))  # (B, L)
        loss = cross_entropy(logits, problem.y[rows], problem.weight)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        total += loss.item() * len(rows)
    return total / len(problem.x)


@torch.inference_mode()
def _validate(head: nn.Module, problem: _Problem) -> tuple[float, float]:
    """Log-loss and accuracy on the validation images."""
    logits = head.eval()(problem.validation_x)
    loss = cross_entropy(logits, problem.validation_y).item()
    return loss, (logits.argmax(1) == problem.validation_y).float().mean().item()
