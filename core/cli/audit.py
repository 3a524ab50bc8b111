"""`python -m core audit`: what is wrong with a data set, from cached features."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.index import add_subject, data_root, predicted, progress_line
from core.errors import CheckpointError
from core.files import atomic_write_json
from core.progress import silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.audit import Audit
    from core.data.dataset import Dataset
    from core.evaluation import Outcomes
    from core.models import Checkpoint
    from core.store import FeatureStore

NAME = "audit"
HELP = "look for wrong labels, leaks, copies, poor images and weak slices, and ask what can be learnt"
SHOWN = 5
"""How many entries of each queue are printed without --json."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, and whose features judge it."""
    add_subject(parser, checkpoint_required=False)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the JSON there, atomically, instead")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, audit and print. Raises VitrineError."""
    from core.audit import audit
    from core.data import open_dataset
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    checkpoint = choose(settings, dataset, args.checkpoint)
    store = FeatureStore(settings.cache)
    predictions = predicted(store, dataset, checkpoint, args, progress)
    found = audit(
        dataset,
        predictions.embeddings(),
        predictions.present,
        lambda shas: store.thumbnails(shas, dataset=dataset),
        heads=_heads(settings, store, dataset, checkpoint),
        progress=progress,
    )
    facts = {"data": dataset.name, "fingerprint": dataset.fingerprint, "checkpoint": checkpoint.name}
    if args.out is not None:
        atomic_write_json(args.out, facts | found.to_json(dataset))
    elif args.json:
        print(json.dumps(facts | found.to_json(dataset), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(_text(dataset, checkpoint.name, found))
    return 0


def _heads(
    settings: Settings, store: FeatureStore, dataset: Dataset, judge: Checkpoint
) -> dict[str, Outcomes]:
    """By task the outcomes of the checkpoint that does best on validation images, among those trained on
    exactly this data set whose predictions are stored; nothing of any other."""
    from core.evaluation import outcomes
    from core.models import list_checkpoints

    found: dict[str, tuple[float, Outcomes]] = {}
    for checkpoint in {one.hash: one for one in (judge, *list_checkpoints(settings)[0])}.values():
        own = checkpoint.card.data.fingerprint == dataset.fingerprint
        if not own or not store.status(dataset, checkpoint).complete:
            continue
        predictions = store.predictions(dataset, checkpoint)
        for task in (name for name in dataset.taxonomy.names if name in predictions.taxonomy):
            measure = checkpoint.card.metrics.get("val", {}).get(task, {}).get("accuracy")
            score = -1.0 if measure is None else measure.value
            if task not in found or score > found[task][0]:
                found[task] = (score, outcomes(dataset, predictions, task))
    return {task: head for task, (_, head) in found.items()}


def choose(settings: Settings, dataset: Dataset, wanted: str | None) -> Checkpoint:
    """The checkpoint whose features judge `dataset`: the one that is named, else a frozen backbone before one
    that was trained, one trained on this data before another. Raises CheckpointError where there is none."""
    from core.models import find_checkpoint, list_checkpoints

    if wanted is not None:
        return find_checkpoint(settings, wanted)
    found, _ = list_checkpoints(settings)
    if not found:
        raise CheckpointError(
            "There are no features to audit with",
            cause="No checkpoint was found.",
            fix=f"Make one: python -m training quick --data {dataset.root} --name quick",
        )
    return min(
        found,
        key=lambda one: (not _is_frozen(one.card.recipe), one.card.data.fingerprint != dataset.fingerprint),
    )


def _is_frozen(recipe: dict[str, Any]) -> bool:
    """Whether the backbone kept its pretrained weights: its features have not learnt the labels by heart."""
    return recipe.get("backbone") == "frozen"


def _text(dataset: Dataset, checkpoint: str, found: Audit) -> str:
    value = found.to_json(dataset)
    lines = [f"{dataset.name}: {len(dataset)} images, judged by the features of {checkpoint}"]
    lines += [f"  {one['sentence']}" for one in value["learnability"].values()]
    for task, issues in value["label_issues"].items():
        if value["learnability"].get(task, {}).get("verdict") == "not learnable":
            lines.append(f"  labels of {task}: cannot be judged, as they do not follow the pixels")
            continue
        flagged = sum(issue["flagged"] for issue in issues)
        lines.append(f"  labels of {task}: {flagged} are probably wrong")
        lines += [f"    {one['path']}: {one['given']}, rather {one['suggested']}" for one in issues[:SHOWN]]
    crossing = [pair for pair in value["near_duplicates"] if pair["splits"][0] != pair["splits"][1]]
    lines.append(f"  near-duplicates: {len(value['near_duplicates'])}, {len(crossing)} of them across splits")
    lines += [
        f"    {one['path']} ({one['splits'][0]}) = {one['other']} ({one['splits'][1]})"
        for one in crossing[:SHOWN]
    ]
    leaking = ", ".join(one["instance_id"] for one in value["leaking_instances"][:SHOWN])
    lines.append(f"  objects in several splits: {len(value['leaking_instances'])} {leaking}".rstrip())
    lines.append(
        f"  rows left out: {len(value['quarantined'])}; outliers: {len(value['outliers'])}; "
        f"poor images: {len(value['poor_images'])}"
    )
    weak = [one for one in found.slices if one.q < 0.05]
    lines.append(f"  weak slices of {found.slices_of}: {len(weak)}")
    lines += [f"    {one.text}: {one.accuracy.text()}, the rest {one.rest.text()}" for one in weak[:SHOWN]]
    return "\n".join(lines)
