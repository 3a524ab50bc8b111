"""Writing and reading weights so that a crash, a torn file or a stray byte never goes unnoticed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from core.errors import CheckpointError
from core.files import atomic_write, sha256_bytes
from core.models.card import Card
from core.models.checkpoint import (
    NEXT_WEIGHTS,
    WEIGHTS,
    Checkpoint,
    read_checkpoint,
    read_weights,
    unusable_weights,
    write_card,
)
from core.models.network import MultiTaskNetwork

Bits = Literal[8, 16, 32]
"""How a weight is stored: float32, float16, or int8 with a scale per row."""

_HALF_MAX = float(torch.finfo(torch.float16).max)
_SCALE = ":scale"
"""`<name>:scale` (R,) float32 goes with the int8 matrix `<name>` (R, ...): weight = scale x integer."""
_SMALL = 4096
"""Tensors of fewer numbers are not worth 8 bits."""


def encode_weights(network: nn.Module, *, bits: Bits = 32) -> bytes:
    """A network's state as safetensors bytes: with 16 bits what fits in float16, with 8 the matrices as int8.

    Raises CheckpointError for NaN or infinite weights.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        state |= _stored(name, tensor.detach().cpu(), bits)
    data: bytes = save_safetensors(state, metadata={"format": "pt"})
    return data


def save_checkpoint(folder: Path, network: MultiTaskNetwork, card: Card, *, bits: Bits = 32) -> Checkpoint:
    """Write `network` and `card` (its `sha256` is filled in) into `folder`, replacing what is there.

    The weights are written beside the old ones, then the card, then the weights take their name. Whatever
    moment a crash picks, the card there is names a whole file of weights: see `read_weights`. Raises OSError
    (disk full) with the old checkpoint intact, CheckpointError for weights that are not finite or do not fit.
    """
    data = encode_weights(network, bits=bits)
    _check_same(network, card)
    complete = Card.model_validate({**card.model_dump(mode="json"), "sha256": sha256_bytes(data)})
    folder.mkdir(parents=True, exist_ok=True)
    _settle(folder)
    atomic_write(folder / NEXT_WEIGHTS, data)
    try:
        write_card(folder, complete)
    except OSError:
        _settle(folder)  # the card may be in place although the folder could not be flushed
        (folder / NEXT_WEIGHTS).unlink(missing_ok=True)
        raise
    os.replace(folder / NEXT_WEIGHTS, folder / WEIGHTS)
    return Checkpoint(folder, complete)


def load_network(checkpoint: Checkpoint) -> MultiTaskNetwork:
    """The checkpoint's network in evaluation mode, float32, on the CPU.

    Raises CheckpointError where hash, names, shapes or values are not what the card promises.
    """
    data = read_weights(checkpoint)
    try:
        state = load_safetensors(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise unusable_weights(checkpoint, f"{WEIGHTS}: {error}") from error
    network = MultiTaskNetwork(checkpoint.card.backbone, checkpoint.taxonomy)
    fill_network(network, _unpacked(state), str(checkpoint.path / WEIGHTS))
    network.pretraining = checkpoint.card.pretraining
    return network.eval()


def round_weights(network: nn.Module, bits: Bits) -> None:
    """Round every weight, in place, to what so many bits hold: what is evaluated is what is stored."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.copy_(_unpacked(_stored(name, tensor, bits))[name].to(tensor.dtype))


def fill_network(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load `state` into `network` after checking every name, shape and value. Raises CheckpointError."""
    own = network.state_dict()
    missing, extra = sorted(set(own) - set(state)), sorted(set(state) - set(own))
    if missing or extra:
        raise _misfit(source, f"missing: {_some(missing)}; not expected: {_some(extra)}.")
    for name, tensor in state.items():
        if tensor.shape != own[name].shape:
            raise _misfit(source, f"{name} is {tuple(tensor.shape)}, it must be {tuple(own[name].shape)}.")
        if tensor.is_floating_point() != own[name].is_floating_point():
            raise _misfit(source, f"{name} is {tensor.dtype} and has no scale that fits.")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise _misfit(source, f"{name} holds NaN or infinite values.")
    network.load_state_dict(state)  # copies into float32


def _stored(name: str, tensor: Tensor, bits: Bits) -> dict[str, Tensor]:
    """What is written for one tensor, by name."""
    if not tensor.is_floating_point():
        return {name: tensor.contiguous()}
    if not bool(torch.isfinite(tensor).all()):
        raise _misfit("The network", f"{name} holds NaN or infinite values; training has diverged.")
    if bits == 8 and tensor.dim() > 1 and tensor.numel() >= _SMALL:
        rows = tensor.flatten(1).abs().amax(1).clamp(min=1e-12)
        scale = (rows / 127).float()
        integers = (tensor / _along_rows(scale, tensor)).round().clamp(-127, 127).to(torch.int8)
        return {name: integers.contiguous(), f"{name}{_SCALE}": scale}
    if bits < 32 and float(tensor.abs().max()) <= _HALF_MAX:
        tensor = tensor.to(torch.float16)
    return {name: tensor.contiguous()}


def _unpacked(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network from what is written; int8 without a fitting scale is left as it is."""
    found = {name: tensor for name, tensor in state.items() if not name.endswith(_SCALE)}
    for name in state.keys() - found.keys():
        scale, integers = state[name], state.get(name.removesuffix(_SCALE))
        if integers is None or integers.dtype != torch.int8 or scale.shape != integers.shape[:1]:
            found[name] = scale  # refused by name, with the rest that does not fit
        else:
            found[name.removesuffix(_SCALE)] = integers.float() * _along_rows(scale, integers)
    return found


def _along_rows(scale: Tensor, matrix: Tensor) -> Tensor:
    return scale.view(-1, *(1,) * (matrix.dim() - 1))


def _check_same(network: MultiTaskNetwork, card: Card) -> None:
    if network.backbone_name != card.backbone or network.taxonomy.to_json() != card.taxonomy:
        raise _misfit("The card", "its backbone or taxonomy is not the network's.")


def _settle(folder: Path) -> None:
    """Finish a save cut off after its card was written, so that the next one cannot lose its weights."""
    try:
        checkpoint = read_checkpoint(folder)
        pending = (folder / NEXT_WEIGHTS).read_bytes()
    except (CheckpointError, FileNotFoundError):
        return
    if sha256_bytes(pending) == checkpoint.hash:
        os.replace(folder / NEXT_WEIGHTS, folder / WEIGHTS)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return (", ".join(names[:4]) or "none") + more


def _misfit(source: str, cause: str) -> CheckpointError:
    return CheckpointError(
        "The weights do not fit the network",
        cause=f"{source}: {cause}",
        fix="Use the weights that belong to the card.",
    )
