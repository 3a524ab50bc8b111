"""After the last epoch: the best weights are evaluated on the frozen test split, compared and published.

Nothing is published before everything else is done, so a run that dies here only has to do this part again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from core.data.dataset import Dataset
from core.errors import JobError, VitrineError
from core.files import atomic_write_json
from core.models import facts
from core.models.card import Card, DataFacts, Preprocessing
from core.models.checkpoint import Checkpoint
from core.models.network import MultiTaskNetwork
from core.models.weights import Bits, fill_network, round_weights, save_checkpoint
from core.settings import Settings
from training.assembly import parent_of, settings_of
from training.data import further_images
from training.jobs.progress import RunFolder
from training.quick import evaluate_and_index
from training.recipe import Recipe
from training.reporter import Reporter
from training.spec import RunSpec


def finish(
    spec: RunSpec,
    folder: RunFolder,
    dataset: Dataset,
    network: MultiTaskNetwork,
    preprocessing: Preprocessing,
    reporter: Reporter,
) -> Checkpoint:
    """Evaluate, index, compare, publish. Raises CheckpointError, StoreError, JobError, Cancelled, OSError."""
    settings = settings_of(spec)
    reporter.stage("evaluating", epoch=len(folder.read_metrics()), progress=1.0, eta_s=None)
    fill_network(network, load_file(folder.best), str(folder.best))
    round_weights(network, spec.weight_bits)
    card = _card(spec, folder, dataset, network, preprocessing, settings)
    draft = save_checkpoint(folder.path / "checkpoint", network.eval(), card, bits=spec.weight_bits)
    draft = evaluate_and_index(draft, dataset, settings.cache, reporter.progress).checkpoint
    atomic_write_json(folder.verdict, verdict(spec, draft, dataset, settings, reporter))
    return publish(draft, network, settings.checkpoints[0] / spec.name, spec.weight_bits)


def verdict(
    spec: RunSpec, checkpoint: Checkpoint, dataset: Dataset, settings: Settings, reporter: Reporter
) -> dict[str, Any]:
    """The paired comparison with the parent on the test split, per task; empty without a parent."""
    parent = parent_of(spec, settings)
    if parent is None or "test" not in dataset.splits:
        return {}
    from training.verdict import compare_with_parent

    reporter.stage(f"comparing with {parent.name}")
    try:
        return compare_with_parent(checkpoint, parent, dataset, settings.cache, reporter.progress)
    except VitrineError as error:
        reporter.note(f"No verdict: {error}")
        return {"error": str(error)}


def publish(draft: Checkpoint, network: MultiTaskNetwork, folder: Path, bits: Bits) -> Checkpoint:
    """Put the finished checkpoint in its place. Raises JobError where another one has taken it."""
    if (folder / "card.json").exists():
        raise JobError(
            f"There is a checkpoint called '{folder.name}' already",
            cause="It was made while this run was at work; a run never replaces a finished checkpoint.",
            fix=f"Rename or remove {folder}, then resume this run.",
        )
    return save_checkpoint(folder, network, draft.card, bits=bits)


def recipe_for_card(recipe: Recipe) -> dict[str, Any]:
    """A recipe as JSON values in which folders have only their names: a card travels, its folders do not."""
    value = recipe.model_dump(mode="json")
    value["extra_data"] = [Path(folder).name for folder in recipe.extra_data]
    if recipe.distillation:
        part = value["distillation"]
        part["teacher"] = Path(recipe.distillation.teacher).name
        part["extra_images"] = ["/".join(Path(f).parts[-2:]) for f in recipe.distillation.extra_images]
    return value


def _card(
    spec: RunSpec,
    folder: RunFolder,
    dataset: Dataset,
    network: MultiTaskNetwork,
    preprocessing: Preprocessing,
    settings: Settings,
) -> Card:
    parent = parent_of(spec, settings)
    return Card(
        name=spec.name,
        backbone=spec.backbone,
        taxonomy=network.taxonomy.to_json(),
        preprocessing=preprocessing,
        recipe=recipe_for_card(spec.recipe),
        pretraining=network.pretraining,
        seed=spec.recipe.seed,
        data=DataFacts(
            name=dataset.name,
            fingerprint=dataset.fingerprint,
            splits={split: int(dataset.split_mask(split).sum()) for split in dataset.splits},
            further=further_images(spec.recipe, dataset, settings.cache),
        ),
        hardware=facts.hardware(),
        versions=facts.versions(),
        parent=parent.hash if parent else None,
        created=facts.now(),
        embedding_dim=network.embedding_dim,
        parameters=network.parameter_count,
        sha256="0" * 64,
        history=[dict(record) for record in folder.read_metrics()],
    )
