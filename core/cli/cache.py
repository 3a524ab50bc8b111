"""`python -m core cache`: what the feature store takes on disk, and how to free it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.settings import Settings

if TYPE_CHECKING:
    from core.store.usage import Usage

NAME = "cache"
HELP = "list what the feature store holds and takes on disk; delete part of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to delete."""
    parser.add_argument("--prune", metavar="KEY", action="append", default=[], help="delete this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Prune, then list what is left. Raises StoreError for an unknown key."""
    from core.store import FeatureStore

    store = FeatureStore(Settings.from_environment().cache)
    freed = sum(store.prune(key) for key in args.prune)
    found = store.usage()
    if args.json:
        facts = {"root": str(store.root), "freed": freed, "folders": [asdict(one) for one in found]}
        print(json.dumps(facts, indent=1))
        return 0
    for one in found:
        print(f"{one.key}  {one.bytes / 1e6:9.1f} MB  {_about(one)}")
    total = sum(one.bytes for one in found)
    print(f"{total / 1e6:.1f} MB in {store.root}; {freed / 1e6:.1f} MB freed")
    return 0


def _about(one: Usage) -> str:
    run_by = f"{one.checkpoint} {one.engine} {one.precision}, {one.images} images" if one.checkpoint else ""
    return ", ".join(text for text in (run_by, one.note) if text)
