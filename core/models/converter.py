"""The report's own weights (`.pth`) made into a checkpoint. Offline only: pages never open a pickle.

The layout: `backbone.*` is a timm backbone without classifier; `<task>_head.0.*` and `<task>_head.3.*` are
the two linear layers of each head. Keys may start with "module."; the state may lie under "model_state_dict".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.data.taxonomy import Task, Taxonomy
from core.errors import CheckpointError, DataError
from core.files import sha256_file
from core.models import facts
from core.models.backbones import BACKBONES, create_backbone, find_backbone
from core.models.card import Card, Preprocessing
from core.models.checkpoint import Checkpoint
from core.models.network import MultiTaskNetwork, head_key
from core.models.weights import Bits, fill_network, save_checkpoint

REPORT_PREPROCESSING = Preprocessing(
    size=224,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation="bilinear",
    crop_pct=1.0,
    crop_mode="squash",
)
"""What the report says of its input: resized to 224 x 224, ImageNet's statistics."""

_HEAD = re.compile(r"^(?P<task>.+)_head\.(?P<layer>[03])\.(?P<kind>weight|bias)$")
_WRAPPERS = ("model_state_dict", "state_dict", "model")


def convert_weights(
    source: Path,
    labels: Taxonomy,
    folder: Path,
    *,
    name: str,
    backbone: str | None = None,
    preprocessing: Preprocessing = REPORT_PREPROCESSING,
    bits: Bits = 32,
) -> Checkpoint:
    """Write the checkpoint `folder` from the `.pth` file `source`, whose heads predict `labels` in order.

    Tasks of `labels` without a head are left out. The backbone is recognised by its tensors unless named.
    Raises CheckpointError that names the tensor, head or label count that does not fit.
    """
    state = read_state(source)
    heads = _head_sizes(state, source)
    taxonomy = _taxonomy(heads, labels, source)
    body = {
        key.removeprefix("backbone."): value for key, value in state.items() if key.startswith("backbone.")
    }
    network = MultiTaskNetwork(backbone or _recognise(body, source), taxonomy)
    fill_network(network, {**{f"backbone.{k}": v for k, v in body.items()}, **_heads(state)}, source.name)
    card = Card(
        name=name,
        backbone=network.backbone_name,
        taxonomy=taxonomy.to_json(),
        preprocessing=preprocessing,
        recipe={"kind": "converted", "source": source.name, "source_sha256": sha256_file(source)},
        pretraining="unknown (converted)",
        hardware="unknown (converted)",
        versions=facts.versions(),
        created=facts.now(),
        embedding_dim=network.embedding_dim,
        parameters=network.parameter_count,
        sha256="0" * 64,
    )
    return save_checkpoint(folder, network, card, bits=bits)


def read_state(source: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` file, read with `weights_only`: nothing in the file is executed.

    Raises CheckpointError for a missing, damaged or wholly pickled file.
    """
    try:
        value = torch.load(source, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{source} does not exist", fix="Give the path of a .pth file.") from None
    except Exception as error:  # torch raises pickle, zip, OS and runtime errors for files it cannot read
        raise CheckpointError(
            f"{source.name} cannot be read as weights",
            cause=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
            fix="Save the network's state_dict() with torch.save and convert that file.",
        ) from error
    return _unwrap(value, source)


def read_labels(source: Path) -> Taxonomy:
    """Labels from a JSON file `{task: [label, ...]}`. Raises CheckpointError."""
    try:
        value = json.loads(source.read_text("utf-8"))
        tasks = {
            str(task): tuple(map(str, labels)) for task, labels in value.items() if isinstance(labels, list)
        }
        if not tasks or len(tasks) != len(value):
            raise ValueError("it must hold one list of labels per task")
        return Taxonomy(tuple(Task(task, labels) for task, labels in tasks.items()))
    except (OSError, ValueError, AttributeError, DataError) as error:
        raise CheckpointError(
            f"{source.name} does not hold labels",
            cause=str(error),
            fix='Write {"task": ["label", ...], ...}.',
        ) from error


def _unwrap(value: Any, source: Path) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(value, Mapping) and isinstance(value.get(wrapper), Mapping):
            value = value[wrapper]
    if not isinstance(value, Mapping) or not all(isinstance(item, Tensor) for item in value.values()):
        raise CheckpointError(
            f"{source.name} is not a state dict",
            cause="It must hold named tensors and nothing else.",
            fix="Save the network's state_dict() with torch.save and convert that file.",
        )
    return {str(key).removeprefix("module."): tensor for key, tensor in value.items()}


def _head_sizes(state: Mapping[str, Tensor], source: Path) -> dict[str, int]:
    """Number of labels of each head, in the order of the file."""
    strangers = [key for key in state if not key.startswith("backbone.") and not _HEAD.match(key)]
    found = [(_HEAD.match(key), value) for key, value in state.items() if not key.startswith("backbone.")]
    sizes = {m["task"]: len(v) for m, v in found if m and m["layer"] == "3" and m["kind"] == "bias"}
    if strangers or not sizes:
        raise CheckpointError(
            f"{source.name} is not laid out as expected",
            cause=f"Unexpected: {', '.join(strangers[:4])}."
            if strangers
            else "It has no <task>_head.3.bias.",
            fix="Expected are backbone.*, and <task>_head.0.* and <task>_head.3.* for each task.",
        )
    return sizes


def _taxonomy(heads: Mapping[str, int], labels: Taxonomy, source: Path) -> Taxonomy:
    for task, size in heads.items():
        given = len(labels[task].labels) if task in labels else 0
        if given != size:
            raise CheckpointError(
                f"The labels of task '{task}' do not fit {source.name}",
                cause=f"Its head has {size} outputs, {given} labels were given.",
                fix="Give the labels that the network was trained with, in their order, with --labels FILE.",
            )
    return Taxonomy(tuple(Task(task, labels[task].labels) for task in heads))


def _heads(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    matches = [(match, value) for key, value in state.items() if (match := _HEAD.match(key))]
    return {f"heads.{head_key(m['task'])}.{m['layer']}.{m['kind']}": value for m, value in matches}


def _recognise(body: Mapping[str, Tensor], source: Path) -> str:
    shapes = {key: tuple(value.shape) for key, value in body.items()}
    for name in BACKBONES:
        with torch.device("meta"):
            own = create_backbone(find_backbone(name).name).state_dict()
        if {key: tuple(value.shape) for key, value in own.items()} == shapes:
            return name
    raise CheckpointError(
        f"The backbone of {source.name} is not recognised",
        cause=f"Its {len(shapes)} tensors are those of none of: {', '.join(BACKBONES)}.",
        fix="Name the backbone with --backbone to see which tensor differs.",
    )
