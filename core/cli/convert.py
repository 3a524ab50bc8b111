"""`python -m core convert`: make a checkpoint from weights that were saved as `.pth`."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from core.errors import CheckpointError
from core.models.backbones import BACKBONES
from core.models.card import NAME_PATTERN
from core.settings import Settings

NAME = "convert"
HELP = "make a checkpoint from a .pth file of the layout backbone.*, <task>_head.0/3.*"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, its labels, and what the checkpoint is called."""
    parser.add_argument("file", type=Path, metavar="FILE.pth", help="a state dict saved with torch.save")
    parser.add_argument("--name", required=True, help="name of the checkpoint and of its folder")
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", type=Path, metavar="FILE", help='JSON {"task": ["label", ...]} in order')
    labels.add_argument(
        "--data", type=Path, metavar="DIR", help="take the labels of this data set, in its order"
    )
    parser.add_argument("--backbone", choices=sorted(BACKBONES), help="default: recognised by its tensors")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of checkpoints (default: the settings')"
    )
    add_weight_bits(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_weight_bits(parser: argparse.ArgumentParser) -> None:
    """How the weights of a new checkpoint are stored."""
    parser.add_argument(
        "--weight-bits",
        type=int,
        default=32,
        choices=(8, 16, 32),
        help="of a stored weight (default: 32)",
    )


def run(args: argparse.Namespace) -> int:
    """Convert and say where the checkpoint is. Raises VitrineError."""
    if not re.match(NAME_PATTERN, args.name):
        raise CheckpointError(
            f"'{args.name}' cannot be a checkpoint's name",
            cause="It becomes a folder: letters, digits, dot, dash and underscore only, 100 at most.",
            fix="Choose another name.",
        )
    from core.data import open_dataset
    from core.models.converter import convert_weights, read_labels

    settings = Settings.from_environment()
    taxonomy = (
        read_labels(args.labels) if args.labels else open_dataset(args.data, cache=settings.cache).taxonomy
    )
    folder = (args.out or settings.checkpoints[0]) / args.name
    checkpoint = convert_weights(
        args.file, taxonomy, folder, name=args.name, backbone=args.backbone, bits=args.weight_bits
    )
    card = checkpoint.card
    if args.json:
        print(
            json.dumps(
                {"name": card.name, "path": str(folder), "sha256": card.sha256, "backbone": card.backbone}
            )
        )
    else:
        heads = ", ".join(f"{task} ({len(labels)})" for task, labels in card.taxonomy.items())
        print(f"{card.name}: {card.backbone}, heads: {heads}. Written to {folder}")
    return 0
