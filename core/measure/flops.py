"""How much a network computes for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.models.network import MultiTaskNetwork


def network_flops(network: MultiTaskNetwork, size: int) -> int:
    """Floating point operations of one image of `size` pixels: two per multiplication with addition.

    Matrix products, attention and convolutions are counted, as `torch.utils.flop_counter` does; what is done
    element by element is not. Nothing is computed: a copy of the network without values is run.
    """
    import copy

    import torch
    from torch.utils.flop_counter import FlopCounterMode

    hollow = copy.deepcopy(network).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        hollow(torch.zeros(1, 3, size, size, device="meta"))
    return int(counter.get_total_flops())
