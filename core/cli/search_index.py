"""`python -m core search-index`: the approximate index that image search uses where images are very many."""

from __future__ import annotations

import argparse
import json

from core.cli.index import progress_line
from core.cli.search import add_models, subject
from core.progress import silent
from core.settings import Settings

NAME = "search-index"
HELP = (
    "make the index that answers image search where images are very many (search makes it when it needs it)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set and checkpoints."""
    add_models(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is missing and print its recall. Raises VitrineError."""
    from core.retrieval import Source
    from core.retrieval.source import index_file

    cache, progress = Settings.from_environment().cache, silent if args.json else progress_line()
    dataset, found = subject(args)
    facts = []
    for checkpoint, predictions in found:
        file = index_file(cache, dataset.fingerprint, predictions)
        vectors = Source(predictions, ann=file, progress=progress).vectors
        facts.append(
            {
                "checkpoint": checkpoint.name,
                "images": len(vectors),
                "approximate": vectors.approximate,
                "recall": vectors.recall,
            }
        )
    if args.json:
        print(json.dumps({"data": dataset.name, "indices": facts}, indent=1))
        return 0
    for fact in facts:
        kind = f"recall@20 {fact['recall']:.4f}" if fact["approximate"] else "few enough to compare each"
        print(f"{fact['checkpoint']}: {fact['images']:,} images, {kind}")
    return 0
