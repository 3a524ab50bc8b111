"""`python -m core clip-index`: embed a data set's images by the local CLIP model, for `search --clip`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from core.cli.index import data_root, progress_line
from core.progress import silent
from core.settings import Settings

NAME = "clip-index"
HELP = "embed the images of a data set by the CLIP model in VITRINE_CLIP, for search --clip (optional)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Embed what is missing and print how many there are. Raises VitrineError."""
    from core.data import open_dataset
    from core.retrieval.clip import Clip, ClipStore, clip_folder

    settings = Settings.from_environment()
    folder = clip_folder()
    progress = silent if args.json else progress_line()
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    clip = Clip(folder)
    failed = ClipStore(settings.cache, clip.hash).index(dataset, clip, progress)
    facts = {"data": dataset.name, "images": len(dataset), "failed": failed, "weights": clip.hash}
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        print(f"{dataset.name}: {len(dataset) - failed} of {len(dataset)} images embedded by CLIP.")
    return 0
