"""A first model in a minute: heads fitted on the features of a frozen ImageNet backbone, extracted once.

1. Load the backbone, rounded to the float16 that the checkpoint will store.
2. Extract the features of every image, and of the mirrored training images.
3. Fit one head per task; weight decay and number of epochs are picked on the validation images.
4. Save the checkpoint, index the data set with it, fit a temperature per head, evaluate every split, and
   write both on the card.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from core.calibrate import Calibrated, finished
from core.data.dataset import Dataset
from core.data.taxonomy import Taxonomy
from core.errors import CheckpointError, RecipeError
from core.evaluation import Evaluation
from core.models import facts
from core.models.card import NAME_PATTERN, Card, DataFacts
from core.models.checkpoint import Checkpoint
from core.models.network import MultiTaskNetwork
from core.models.preprocessing import backbone_preprocessing
from core.models.weights import load_network, round_weights, save_checkpoint
from core.progress import Progress, silent
from core.store import FeatureStore
from training.data import joining, trained_tasks
from training.lineage import lineage
from training.quick_features import extract, extract_further
from training.quick_heads import FittedHead, HeadSettings, fit_heads

BACKBONE = "tf_efficientnet_lite0"


@dataclass(frozen=True)
class QuickResult:
    """The checkpoint that was written, how it does on each split, and what the reader should know."""

    checkpoint: Checkpoint
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...] = ()


def quick(
    dataset: Dataset,
    name: str,
    out: Path,
    *,
    cache: Path,
    backbone: str = BACKBONE,
    seed: int = 0,
    allow_hub: bool | None = None,
    start: Checkpoint | None = None,
    tasks: tuple[str, ...] = (),
    further: Sequence[Dataset] = (),
    settings: HeadSettings | None = None,
    progress: Progress = silent,
) -> QuickResult:
    """Fit heads for the tasks of `dataset` on a frozen backbone and write the checkpoint `out/name`.

    The backbone and its preprocessing are those of the checkpoint `start`, or else those of `backbone` with
    ImageNet's weights. `tasks` get a head, and the primary one always; with none named, all do. The heads
    learn from the training images of the data sets `further` too, as far as their labels are known here. The
    data set is indexed in the feature store under `cache` on the way. Raises RecipeError for a name that
    cannot be used or a data set without training images, CheckpointError, InferenceError, StoreError and
    Cancelled.
    """
    _check(dataset, name)
    settings = settings or HeadSettings()
    taxonomy = trained_tasks(tasks, dataset)
    if start is None:
        network, notes = _network(taxonomy, backbone, seed, allow_hub)
        preprocessing = backbone_preprocessing(backbone)
    else:
        network, notes = _started(taxonomy, start, seed), []
        preprocessing = start.card.preprocessing
    features = extract(network, preprocessing, dataset, progress=progress)
    parts = [joining(other, dataset, taxonomy) for other in further]
    more = extract_further(network, preprocessing, parts, progress) if parts else None
    fitted = fit_heads(network, features, dataset, settings, further=more, seed=seed, progress=progress)
    round_weights(network, 16)
    card = Card(
        name=name,
        backbone=network.backbone_name,
        taxonomy=taxonomy.to_json(),
        preprocessing=preprocessing,
        recipe=_recipe(settings, fitted),
        pretraining=network.pretraining,
        seed=seed,
        data=DataFacts(
            name=dataset.name,
            fingerprint=dataset.fingerprint,
            splits=_sizes(dataset),
            further={other.name: len(part.files) for other, part in zip(further, parts, strict=True)},
        ),
        hardware=facts.hardware(),
        versions=facts.versions(),
        parent=start.hash if start else None,
        created=facts.now(),
        embedding_dim=network.embedding_dim,
        parameters=network.parameter_count,
        sha256="0" * 64,
        history=[record for head in fitted for record in head.history],
    )
    checkpoint = save_checkpoint(out / name, network, card, bits=16)
    found = evaluate_and_index(checkpoint, dataset, cache, progress)
    return QuickResult(found.checkpoint, found.evaluations, tuple(notes))


def _check(dataset: Dataset, name: str) -> None:
    if not re.match(NAME_PATTERN, name):
        raise RecipeError(
            f"'{name}' cannot be a checkpoint's name",
            cause="It becomes a folder: letters, digits, dot, dash and underscore only, 100 at most.",
            fix="Choose another name.",
        )
    if "train" not in dataset.splits:
        raise RecipeError(
            f"'{dataset.name}' has no training images",
            cause=f"Its splits are: {', '.join(dataset.splits) or 'none'}.",
            fix='Mark rows with "train" in the split column, or leave the column out.',
        )


def _started(taxonomy: Taxonomy, start: Checkpoint, seed: int) -> MultiTaskNetwork:
    """The backbone of a checkpoint under fresh heads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MultiTaskNetwork(start.card.backbone, taxonomy)
    network.backbone.load_state_dict(load_network(start).backbone.state_dict())
    network.pretraining = lineage(start.card)
    round_weights(network, 16)
    return network.eval()


def _network(
    taxonomy: Taxonomy, backbone: str, seed: int, allow_hub: bool | None
) -> tuple[MultiTaskNetwork, list[str]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network = MultiTaskNetwork(backbone, taxonomy, pretrained=True, allow_hub=allow_hub)
            notes = []
        except CheckpointError as error:
            network = MultiTaskNetwork(backbone, taxonomy)
            notes = [f"{error.title}: the backbone keeps random weights (pretraining: none). {error.cause}"]
    round_weights(network, 16)
    return network.eval(), notes


def evaluate_and_index(
    checkpoint: Checkpoint, dataset: Dataset, cache: Path, progress: Progress
) -> Calibrated:
    """Fill the feature store with the checkpoint's outputs, fit its temperatures on validation images, and
    write them and its figures on every split on its card."""
    store = FeatureStore(cache)
    store.index(dataset, checkpoint, progress=progress)
    return finished(checkpoint, dataset, store.predictions(dataset, checkpoint))


def _recipe(settings: HeadSettings, fitted: tuple[FittedHead, ...]) -> dict[str, object]:
    picked = {head.task: {"weight_decay": head.weight_decay, "epochs": head.epochs} for head in fitted}
    return {"kind": "quick", "backbone": "frozen", **settings.to_json(), "picked": picked}


def _sizes(dataset: Dataset) -> dict[str, int]:
    return {split: int(dataset.split_mask(split).sum()) for split in dataset.splits}
