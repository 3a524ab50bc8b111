"""`python -m core search`: find images of a data set by words, by an image, or by both."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.index import data_root, progress_line
from core.progress import Progress, silent
from core.settings import Settings

if TYPE_CHECKING:
    from core.data import Dataset
    from core.models import Checkpoint
    from core.retrieval import Picture, Playground, Result
    from core.store import Predictions

NAME = "search"
HELP = "find images by words, by an image or by both, with the reasons for every hit"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is searched, what for, and how."""
    add_models(parser)
    parser.add_argument("--text", default="", help='e.g. "red cap", "not black", color:blue, "two words"')
    parser.add_argument(
        "--image", metavar="FILE|ID", help="an image file, or the id or path of one in the data set"
    )
    parser.add_argument("-k", type=int, default=10, help="how many hits (default: 10)")
    parser.add_argument(
        "--method", default="probability", choices=("probability", "sum", "tfidf", "fused"), help="for text"
    )
    parser.add_argument(
        "--fusion", default="average", choices=("average", "rrf"), help="how several checkpoints are merged"
    )
    parser.add_argument(
        "--clip",
        action="store_true",
        help="any words, by the local CLIP model (see VITRINE_CLIP)",
    )
    parser.add_argument("--split", default="all", help="search only train, val or test (default: all)")
    parser.add_argument("--weight", type=float, default=0.5, help="the text's share beside an image, 0 to 1")
    parser.add_argument("--rerank", type=int, default=0, metavar="N", help="order the N nearest by the text")
    parser.add_argument("--hide-same", action="store_true", help="leave out other images of the same object")
    parser.add_argument("--exact", action="store_true", help="compare with every row, without an index")


def add_models(parser: argparse.ArgumentParser) -> None:
    """Data set and checkpoints, of which there may be several."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the data set (default: VITRINE_DATA)"
    )
    parser.add_argument(
        "--checkpoint",
        required=True,
        action="append",
        metavar="NAME|PATH",
        help="name or folder of a checkpoint; repeat it to merge or compare several",
    )
    parser.add_argument("--engine", default="auto", choices=("auto", "torch", "openvino"))
    parser.add_argument("--precision", default="auto", choices=("auto", "f32", "bf16", "int8"))
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Index what is missing, search and print. Raises VitrineError."""
    from core.errors import SelectionError
    from core.retrieval import ImageOptions, Playground, Source
    from core.retrieval.source import index_file

    if not args.text.strip() and not args.image:
        raise SelectionError("There is nothing to search for", fix='Give --text "..." or --image FILE.')
    if args.k < 1 or not 0 <= args.weight <= 1 or args.rerank < 0:
        raise SelectionError(
            "These numbers cannot be used",
            fix="-k is at least 1, --weight within 0 and 1, --rerank not negative.",
        )
    if args.clip and (args.image or not args.text.strip()):
        raise SelectionError("CLIP searches by words alone", fix='Give --text "...", without --image.')
    dataset, found = subject(args)
    keep = None if args.split == "all" else dataset.split_mask(args.split)
    cache, shown = Settings.from_environment().cache, silent if args.json else progress_line()
    sources = [
        Source(predictions, ann=index_file(cache, dataset.fingerprint, predictions), progress=shown)
        for _, predictions in found
    ]
    ground = Playground(dataset, sources)
    if args.clip:
        result = _by_clip(dataset, args, keep)
    elif args.image:
        picture = _picture(ground, args.image, args, [checkpoint for checkpoint, _ in found])
        options = ImageOptions(args.hide_same, args.exact, args.weight, args.rerank)
        result = ground.by_image(picture, text=args.text, k=args.k, keep=keep, options=options)
    else:
        result = ground.by_text(args.text, k=args.k, method=args.method, fusion=args.fusion, keep=keep)
    if args.json:
        print(json.dumps(_as_json(ground, result, args.image), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print(_text(dataset, result))
    return 0


def _by_clip(dataset: Dataset, args: argparse.Namespace, keep: Any) -> Result:
    """Search by CLIP; Raises CheckpointError where it is off, absent or has not seen the images."""
    from core.retrieval.clip import Clip, ClipStore, clip_folder, search_clip

    clip = Clip(clip_folder())
    vectors = ClipStore(Settings.from_environment().cache, clip.hash).vectors(dataset)
    return search_clip(vectors, clip, args.text, k=args.k, keep=keep)


def subject(args: argparse.Namespace) -> tuple[Dataset, list[tuple[Checkpoint, Predictions]]]:
    """The data set and what every named checkpoint says about it, indexed first where needed. Raises
    VitrineError."""
    from core.data import open_dataset
    from core.models import find_checkpoint
    from core.store import FeatureStore

    settings = Settings.from_environment()
    progress: Progress = silent if args.json else progress_line()
    checkpoints = {c.hash: c for c in (find_checkpoint(settings, name) for name in args.checkpoint)}
    dataset = open_dataset(data_root(args, settings), cache=settings.cache, progress=progress)
    store = FeatureStore(settings.cache)
    found = []
    for checkpoint in checkpoints.values():
        if not store.status(dataset, checkpoint, engine=args.engine, precision=args.precision).complete:
            store.index(dataset, checkpoint, engine=args.engine, precision=args.precision, progress=progress)
        predictions = store.predictions(dataset, checkpoint, engine=args.engine, precision=args.precision)
        found.append((checkpoint, predictions))
    return dataset, found


def _picture(
    ground: Playground, image: str, args: argparse.Namespace, checkpoints: list[Checkpoint]
) -> Picture:
    """An image of the data set by id or path, or a file, embedded by every checkpoint."""
    from core.data.images import read_bytes
    from core.inference.single import predict_one
    from core.retrieval import Picture

    table = ground.dataset.table
    matches = ((table["image_id"] == image) | (table["path"] == image)).to_numpy().nonzero()[0]
    if len(matches):
        return ground.picture(int(matches[0]))
    data = read_bytes(Path(image))
    vectors = {
        checkpoint.name: predict_one(checkpoint, data, engine=args.engine, precision=args.precision)[1]
        for checkpoint in checkpoints
    }
    return Picture(vectors, None, image)


def _as_json(ground: Playground, result: Result, image: str | None) -> dict[str, Any]:
    from core.retrieval.result import true_label

    dataset, table = ground.dataset, ground.dataset.table
    beliefs = ground.sources[0].beliefs
    return {
        "query": result.query or image,
        "image": image,
        "method": result.method,
        "notes": list(result.notes),
        "hits": [
            {
                "rank": hit.rank,
                "image_id": str(table["image_id"].iat[hit.row]),
                "path": str(table["path"].iat[hit.row]),
                "score": hit.score,
                "cosine": hit.cosine,
                "predicted": {task: beliefs.top(task, hit.row) for task in beliefs.labels},
                "truth": {task: true_label(dataset, task, hit.row) for task in dataset.taxonomy.names},
                "explanation": [item.to_json() for item in hit.evidence],
            }
            for hit in result.hits
        ],
    }


def _text(dataset: Dataset, result: Result) -> str:
    lines = [f"{len(result.hits)} of {len(dataset)} images, {result.method}, {result.milliseconds:.1f} ms"]
    lines += [f"note: {note}" for note in result.notes]
    for hit in result.hits:
        lines.append(f"{hit.rank:>3}  {hit.score:.4f}  {dataset.table['path'].iat[hit.row]}")
        lines += [f"             {item.text()}" for item in hit.evidence]
    return "\n".join(lines)
