"""`python -m core project`: lay out a map of a data set's embeddings and keep it in the cache."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields

from core.cli.index import add_subject, data_root, progress_line
from core.progress import silent
from core.settings import Settings

NAME = "project"
HELP = "lay out a map (PCA, UMAP, t-SNE) of a checkpoint's embeddings of a data set, and say how good it is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which checkpoint, which method and its parameters."""
    add_subject(parser)
    parser.add_argument("--method", default="umap", choices=("pca", "umap", "tsne"))
    parser.add_argument("--dimensions", type=int, choices=(2, 3), help="default: 2")
    parser.add_argument("--neighbours", type=int, help="UMAP: 2 to 200 (default: 15)")
    parser.add_argument("--min-dist", type=float, help="UMAP: 0 to 1 (default: 0.1)")
    parser.add_argument("--perplexity", type=float, help="t-SNE: 2 to 200 (default: 30)")
    parser.add_argument("--seed", type=int, help="start of the random numbers (default: 0)")
    parser.add_argument(
        "--stability",
        action="store_true",
        help="lay it out again with another seed and compare: twice the time",
    )


def run(args: argparse.Namespace) -> int:
    """Find the map in the cache or fit it, and print what it is worth. Raises VitrineError."""
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.projection import Parameters, Shelf, fit, projection_key, space
    from core.store import FeatureStore

    asked = {item.name: getattr(args, item.name) for item in fields(Parameters)}
    parameters = Parameters(**{name: value for name, value in asked.items() if value is not None})
    settings = Settings.from_environment()
    progress = silent if args.json else progress_line()
    progress(0, 1000, "reading embeddings")
    checkpoint = find_checkpoint(settings, args.checkpoint)
    dataset = open_dataset(data_root(args, settings), cache=settings.cache)
    store = FeatureStore(settings.cache)
    predictions = store.predictions(dataset, checkpoint, engine=args.engine, precision=args.precision)
    key = projection_key(predictions, parameters, version=store.version(checkpoint))
    shelf = Shelf(settings.cache)
    found = shelf.find(key)
    kept = found is not None and not (args.stability and found.quality.stability is None)
    if found is None or not kept:
        embeddings = space(predictions.compact_embeddings())
        found = fit(embeddings, parameters, key=key, stability=args.stability, progress=progress)
        shelf.keep(found)
    if args.json:
        facts = {"data": dataset.name, "fingerprint": dataset.fingerprint, "checkpoint": checkpoint.name}
        about = {**facts, **found.to_json(), "cached": kept}
        about["quality"] = found.quality.to_json()
        print(json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        quality = found.quality
        print(
            f"{dataset.name} by {checkpoint.name}: {parameters.text()}, {int(found.shown.sum())} images"
            f" ({found.fitted} laid out, {found.seconds:.1f} s); trustworthiness"
            f" {quality.trustworthiness:.3f}, neighbours kept {quality.kept:.1%}. {quality.sentence()}"
        )
    return 0
