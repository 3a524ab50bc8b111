"""The state of a run between two steps, in one file that is replaced whole: a crash leaves old or new.

Tensors (weights, moving average, AdamW moments) are safetensors; counters, sums and scores are JSON in its
header. Randomness needs no state: it is a function of seed, epoch and step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from core.errors import JobError
from core.files import atomic_path

SCHEMA = 1
KEY = "vitrine-training-state"
"""The one entry of the header: with several, their order and so the file's bytes would be luck."""


@dataclass
class Position:
    """Where a run is, and what it has seen. Mutable: the loop moves it."""

    epoch: int = 0
    """Epochs finished."""
    step: int = 0
    """Steps finished in the current epoch."""
    sums: dict[str, float] = field(default_factory=dict)
    """Sums over this epoch's steps of each loss."""
    best_score: float | None = None
    best_epoch: int = 0
    """Epoch (from 1) of the best validation score; 0 before there is one."""
    micro_batch: int = 0
    """Images that go through the network at once; 0: the whole batch."""
    finished: bool = False
    """True once no further epoch is wanted."""
    scaler: dict[str, float] = field(default_factory=dict)
    """State of the fp16 loss scaling."""


def save_state(path: Path, position: Position, modules: dict[str, nn.Module], optimizer: Optimizer) -> None:
    """Replace `path` atomically. Raises OSError (disk full) with the old file intact."""
    tensors = {f"{key}.{name}": value for key, name, value in _module_tensors(modules)}
    tensors |= dict(_optimizer_tensors(optimizer))
    header = {KEY: json.dumps({"schema": SCHEMA, "position": asdict(position)}, allow_nan=False)}
    with atomic_path(path) as temporary:
        save_file(
            {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
            temporary,
            header,
        )


def load_state(path: Path, modules: dict[str, nn.Module], optimizer: Optimizer) -> Position:
    """Restore everything that `save_state` wrote. Raises JobError where the file does not fit this run."""
    try:
        with safe_open(path, framework="pt") as stored:
            header = json.loads((stored.metadata() or {}).get(KEY, "{}"))
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        if header.get("schema") != SCHEMA:
            raise ValueError(f"schema {header.get('schema')!r}, expected {SCHEMA!r}")
        for key, module in modules.items():
            module.load_state_dict(_below(tensors, key))
        _restore_optimizer(optimizer, _below(tensors, "optimizer"))
        return Position(**header["position"])
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise JobError(
            "The saved state of this run cannot be used",
            cause=f"{path.name}: {' '.join(str(error).split())[:300]}",
            fix="Clone the run to train again from the start.",
        ) from error


def _module_tensors(modules: dict[str, nn.Module]) -> Iterator[tuple[str, str, Tensor]]:
    for key, module in modules.items():
        for name, value in module.state_dict().items():
            yield key, name, value


def _optimizer_tensors(optimizer: Optimizer) -> Iterator[tuple[str, Tensor]]:
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            yield f"optimizer.{index}.{name}", torch.as_tensor(value)


def _restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put the moments back onto their parameters' devices; AdamW keeps its step count on the CPU."""
    parameters = _parameters(optimizer)
    optimizer.state.clear()
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        parameter = parameters[int(index)]
        if key != "step" and value.shape != parameter.shape:
            raise ValueError(f"moment {name} has shape {tuple(value.shape)}, not {tuple(parameter.shape)}")
        moved = value if key == "step" else value.to(parameter.device, memory_format=_format_of(parameter))
        optimizer.state[parameter][key] = moved


def _format_of(parameter: Tensor) -> Any:
    channels_last = parameter.dim() == 4 and parameter.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.preserve_format


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _below(tensors: dict[str, Tensor], key: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{key}."): value for name, value in tensors.items() if name.startswith(f"{key}.")
    }
