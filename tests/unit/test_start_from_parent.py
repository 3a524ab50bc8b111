"""What a run takes over from its parent checkpoint, and image sizes other than a transformer's own."""

from __future__ import annotations

import pytest
import torch

from core.data.opening import open_dataset
from core.data.taxonomy import Task, Taxonomy
from core.errors import CheckpointError
from core.models.network import MultiTaskNetwork
from core.models.weights import save_checkpoint
from core.settings import Settings
from tests.training_case import BACKBONE, run_folder, tiny_spec
from training.assembly import assemble
from training.finish import _card


def parent(settings: Settings, taxonomy: Taxonomy) -> MultiTaskNetwork:
    """Save a network with `taxonomy` as the checkpoint "parent"."""
    spec = tiny_spec(settings, name="parent")
    parts = assemble(spec)
    network = MultiTaskNetwork(BACKBONE, taxonomy)
    card = _card(spec, run_folder(settings, "parent"), parts.dataset, network, parts.preprocessing, settings)
    card = card.model_copy(update={"taxonomy": taxonomy.to_json()})
    save_checkpoint(settings.checkpoints[0] / "parent", network, card)
    return network


def test_heads_with_other_labels_start_afresh_and_the_backbone_is_taken_over(settings: Settings) -> None:
    own = open_dataset(settings.data[0]).taxonomy
    kept = own.tasks[1]
    source = parent(settings, Taxonomy((Task(own.primary.name, ("this", "that")), kept)))
    parts = assemble(tiny_spec(settings).model_copy(update={"parent": "parent", "start_from_parent": True}))
    state, old = parts.bare.network.state_dict(), source.state_dict()
    assert all(torch.equal(state[name], value) for name, value in old.items() if name.startswith("backbone."))
    assert torch.equal(state[f"heads.{kept.name}.0.weight"], old[f"heads.{kept.name}.0.weight"])
    assert state[f"heads.{own.primary.name}.3.weight"].shape[0] == len(own.primary.labels)
    assert any(own.primary.name in note for note in parts.notes)


def test_another_backbone_is_refused(settings: Settings) -> None:
    parent(settings, open_dataset(settings.data[0]).taxonomy)
    spec = tiny_spec(settings).model_copy(
        update={"parent": "parent", "start_from_parent": True, "backbone": "resnet18"}
    )
    with pytest.raises(CheckpointError, match="cannot be the start"):
        assemble(spec)


@pytest.mark.parametrize("size", [96, 128])
def test_a_transformer_takes_images_of_other_sizes(size: int) -> None:
    network = MultiTaskNetwork("deit_tiny_patch16_224", Taxonomy((Task("class", ("a", "b")),))).eval()
    assert network.state_dict()["backbone.pos_embed"].shape == (1, 197, 192)
    embedding, logits = network(torch.zeros(1, 3, size, size))
    assert embedding.shape == (1, 192)
    assert logits["class"].shape == (1, 2)
