from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from core.errors import CheckpointError
from core.files import sha256_file
from core.models import (
    Card,
    Checkpoint,
    find_checkpoint,
    list_checkpoints,
    load_network,
    read_checkpoint,
    save_checkpoint,
    update_card,
)
from core.models.checkpoint import CARD, WEIGHTS, write_card
from core.models.weights import round_weights
from core.settings import HOME, Settings
from tests.model_case import TAXONOMY, make_card, make_network, save_small
from training.lineage import lineage


def _settings(*folders: Path) -> Settings:
    return Settings(data=(), cache=folders[0] / "cache", checkpoints=folders)


def test_a_saved_network_computes_the_same_after_loading(tmp_path: Path) -> None:
    network = make_network()
    checkpoint = save_checkpoint(tmp_path / "small", network, make_card(network))
    loaded = load_network(read_checkpoint(tmp_path / "small"))
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        (one, logits), (other, others) = network(images), loaded(images)
    assert torch.equal(one, other) and all(torch.equal(logits[task], others[task]) for task in TAXONOMY.names)
    assert not loaded.training
    assert checkpoint.hash == sha256_file(tmp_path / "small" / WEIGHTS)


def test_half_storage_is_half_the_size_and_exact_for_rounded_weights(tmp_path: Path) -> None:
    network = make_network()
    full = save_checkpoint(tmp_path / "full", network, make_card(network, "full"))
    round_weights(network, 16)
    half = save_checkpoint(tmp_path / "half", network, make_card(network, "half"), bits=16)
    assert (half.path / WEIGHTS).stat().st_size < 0.52 * (full.path / WEIGHTS).stat().st_size
    for name, value in load_network(half).state_dict().items():
        assert (
            torch.equal(value, network.state_dict()[name]) and value.dtype == network.state_dict()[name].dtype
        )


def test_eight_bits_are_a_quarter_of_the_size_and_near_every_weight(tmp_path: Path) -> None:
    network = make_network()
    full = save_checkpoint(tmp_path / "full", network, make_card(network, "full"))
    small = save_checkpoint(tmp_path / "byte", network, make_card(network, "byte"), bits=8)
    assert (small.path / WEIGHTS).stat().st_size < 0.35 * (full.path / WEIGHTS).stat().st_size
    before, loaded = network.state_dict(), load_network(small).state_dict()
    assert before.keys() == loaded.keys()
    matrices = [name for name, value in before.items() if value.dim() > 1 and value.numel() >= 4096]
    for name in matrices:
        value, other = before[name].flatten(1), loaded[name].flatten(1)
        step = value.abs().amax(1, keepdim=True) / 127
        assert bool(((value - other).abs() <= 0.51 * step).all())
    round_weights(network, 8)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, loaded[name] if name in matrices else value, rtol=1e-6, atol=0)


@pytest.mark.parametrize("damage", ["lost", "stray", "shape"])
def test_scales_that_do_not_fit_are_refused(damage: str, tmp_path: Path) -> None:
    network = make_network()
    checkpoint = save_checkpoint(tmp_path / "byte", network, make_card(network, "byte"), bits=8)
    state = load_file(checkpoint.path / WEIGHTS)
    name = next(name for name in state if name.endswith(":scale"))
    scale = state.pop(name)
    if damage == "stray":
        state["nothing:scale"] = scale
    elif damage == "shape":
        state[name] = scale[:-1]
    save_file(state, checkpoint.path / WEIGHTS)
    fit = checkpoint.card.model_copy(update={"sha256": sha256_file(checkpoint.path / WEIGHTS)})
    with pytest.raises(CheckpointError, match="do not fit"):
        load_network(Checkpoint(checkpoint.path, fit))


def test_weights_too_large_for_float16_are_kept_in_float32(tmp_path: Path) -> None:
    network = make_network()
    with torch.no_grad():
        network.heads["class"][0].bias[0] = 1e6
    checkpoint = save_checkpoint(tmp_path / "small", network, make_card(network), bits=16)
    assert load_network(checkpoint).heads["class"][0].bias[0] == 1e6


def test_listing_needs_no_torch(tmp_path: Path) -> None:
    save_small(tmp_path)
    code = (
        "import sys; from pathlib import Path; from core.settings import Settings; import core.models as m;"
        f"found, _ = m.list_checkpoints(Settings((), Path('c'), (Path({str(tmp_path)!r}),)));"
        "assert [c.name for c in found] == ['small'] and found[0].taxonomy.primary.name == 'class';"
        "assert not {'torch', 'timm', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=HOME, check=True)


def test_listing_reports_what_cannot_be_read_and_goes_on(tmp_path: Path) -> None:
    save_small(tmp_path, "good")
    (save_small(tmp_path, "bad").path / CARD).write_text("{")
    (save_small(tmp_path, "lost").path / CARD).unlink()
    (tmp_path / "notes").mkdir()
    found, problems = list_checkpoints(_settings(tmp_path, tmp_path / "nowhere"))
    assert [checkpoint.name for checkpoint in found] == ["good"]
    assert [path.name for path, _ in problems] == ["bad", "lost"]
    assert all(isinstance(problem, CheckpointError) and problem.fix for _, problem in problems)


def test_the_second_checkpoint_of_one_name_is_reported(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    save_small(first)
    save_small(second, seed=1)
    found, problems = list_checkpoints(_settings(first, second))
    assert [checkpoint.path.parent for checkpoint in found] == [first]
    assert [path for path, _ in problems] == [second / "small"]


def test_finding_by_name_by_folder_and_by_card(tmp_path: Path) -> None:
    saved = save_small(tmp_path / "checkpoints")
    settings = _settings(tmp_path / "checkpoints")
    for key in ("small", saved.path, saved.path / CARD):
        assert find_checkpoint(settings, key).hash == saved.hash
    with pytest.raises(CheckpointError, match="no checkpoint 'large'") as caught:
        find_checkpoint(settings, "large")
    assert "small" in caught.value.cause


def test_finding_a_damaged_checkpoint_by_name_says_what_is_wrong(tmp_path: Path) -> None:
    (save_small(tmp_path).path / CARD).write_text("{}")
    with pytest.raises(CheckpointError, match="cannot be used"):
        find_checkpoint(_settings(tmp_path), "small")


def test_update_card_keeps_the_weights(tmp_path: Path) -> None:
    saved = save_small(tmp_path)
    changed = update_card(saved, temperature={"class": 1.5})
    again = read_checkpoint(saved.path)
    assert again == changed and again.card.temperature == {"class": 1.5} and again.hash == saved.hash
    with pytest.raises(CheckpointError, match="unknown tasks"):
        update_card(saved, temperature={"shape": 1.0})
    with pytest.raises(CheckpointError, match="hash"):
        update_card(saved, sha256="1" * 64)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../evil"},
        {"name": ""},
        {"backbone": "vgg16"},
        {"taxonomy": {}},
        {"taxonomy": {"class": ["a", "a"]}},
        {"taxonomy": {"class": []}},
        {"embedding_dim": 7},
        {"temperature": {"class": 0.0}},
        {"sha256": "zz"},
        {"surprise": 1},
    ],
)
def test_a_card_refuses_what_cannot_be(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make_card(make_network(), **changes)


def test_cards_written_by_hand_without_a_checksum_are_refused(tmp_path: Path) -> None:
    saved = save_small(tmp_path)
    (saved.path / CARD).write_text(json.dumps(saved.card.model_dump(mode="json")))
    with pytest.raises(CheckpointError, match="cannot be used"):
        read_checkpoint(saved.path)


def test_weights_of_another_shape_are_refused_although_their_hash_is_right(tmp_path: Path) -> None:
    saved = save_small(tmp_path)
    state = load_file(saved.path / WEIGHTS)
    state["heads.class.3.bias"] = torch.zeros(9)
    with pytest.raises(CheckpointError, match=r"do not fit") as caught:
        load_network(_resealed(saved.path, saved.card, state))
    assert "heads.class.3.bias" in caught.value.cause


def test_missing_extra_and_nan_tensors_are_refused(tmp_path: Path) -> None:
    saved = save_small(tmp_path)
    state = load_file(saved.path / WEIGHTS)
    cases = {
        "missing: heads.class.3.bias": {
            key: value for key, value in state.items() if key != "heads.class.3.bias"
        },
        "not expected: heads.more": {**state, "heads.more": torch.zeros(1)},
        "NaN": {**state, "heads.class.3.bias": torch.full((3,), float("nan"))},
    }
    for cause, changed in cases.items():
        with pytest.raises(CheckpointError) as caught:
            load_network(_resealed(saved.path, saved.card, changed))
        assert cause in caught.value.cause


def test_a_network_with_nan_is_not_saved(tmp_path: Path) -> None:
    network = make_network()
    with torch.no_grad():
        network.heads["class"][0].weight[0, 0] = float("inf")
    with pytest.raises(CheckpointError, match="do not fit"):
        save_checkpoint(tmp_path / "small", network, make_card(network))
    assert not (tmp_path / "small").exists()


def test_a_card_of_another_network_is_not_saved(tmp_path: Path) -> None:
    network = make_network()
    with pytest.raises(CheckpointError, match="do not fit"):
        save_checkpoint(tmp_path / "small", network, make_card(network, taxonomy={"class": ["a", "b", "c"]}))


def _resealed(folder: Path, card: Card, state: dict[str, torch.Tensor]):  # type: ignore[no-untyped-def]
    save_file(state, folder / WEIGHTS)
    write_card(folder, card.model_copy(update={"sha256": sha256_file(folder / WEIGHTS)}))
    return read_checkpoint(folder)


def test_a_frozen_backbone_may_have_been_fine_tuned_on_the_data_before() -> None:
    frozen = {"kind": "quick", "backbone": "frozen"}
    plain = make_card(make_network()).model_copy(update={"recipe": frozen, "pretraining": "imagenet"})
    assert plain.frozen_without("shop")
    assert not plain.model_copy(update={"recipe": {"name": "two_phase"}}).frozen_without("shop")
    tuned = plain.model_copy(update={"pretraining": lineage(_of("shop", {"name": "two_phase"}))})
    assert not tuned.frozen_without("shop") and tuned.frozen_without("another shop's")
    headed = plain.model_copy(update={"pretraining": lineage(_of("shop", frozen))})
    assert headed.frozen_without("shop")  # heads alone learnt its labels, and those are gone


def _of(data: str, recipe: dict[str, object]) -> Card:
    card = make_card(make_network())
    return card.model_copy(
        update={"recipe": recipe, "data": card.data.model_copy(update={"name": data}), "pretraining": "none"}
    )
