"""A data set of any size with made-up predictions: `python -m benchmarks.synthetic --rows 100000 --out DIR`.

The pictures are small copies of a source data set's (the placeholder's where none is given), each with its
own JPEG comment, so that every row has content of its own. Labels and instances are those of the source. The
checkpoints have real but untrained weights; their logits and embeddings are drawn at random around the truth
and written straight into the feature store, as engine "synthetic".
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from core.data import Dataset, open_dataset
from core.data.images import decode_rgb, thumbnail_jpeg
from core.data.placeholder import draw_placeholder
from core.files import sha256_bytes
from core.inference import Outputs
from core.models import BACKBONES, Checkpoint
from core.store.features import FeatureRows, append_rows
from core.store.snapshot import read_snapshot
from core.store.thumbnails import Thumbnails
from core.store.variant import Variant, make_entry

ENGINE, PRECISION = "synthetic", "none"
BACKBONE = "deit_tiny_patch16_224"
PICTURE = 256
"""Longest side in pixels of the pictures."""
CHUNK = 10_000
FOLDER_SIZE = 1000
SPLITS = ("train", "train", "train", "val", "test")


@dataclass(frozen=True)
class Synthetic:
    """Where a synthetic data set lies: `data` (the data set), `cache` and `checkpoints`."""

    out: Path

    @property
    def data(self) -> Path:
        """The data set's folder."""
        return self.out / "data"

    @property
    def cache(self) -> Path:
        """The cache, with manifest, features and thumbnails."""
        return self.out / "cache"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.out / "checkpoints"


@dataclass(frozen=True)
class Picture:
    """One picture to copy and what is known of it."""

    jpeg: bytes
    thumbnail: bytes
    label: str
    attributes: str
    caption: str
    instance: str


def make_synthetic(
    out: Path,
    rows: int,
    *,
    source: Path | None = None,
    pictures: int = 500,
    classes: int | None = None,
    checkpoints: int = 2,
    thumbnails: bool = True,
    seed: int = 0,
) -> Synthetic:
    """Write a data set of `rows` rows, `checkpoints` checkpoints and their predictions below `out`.

    At most `pictures` different pictures are used; `classes` replaces the primary labels by that many made-up
    ones. The same arguments give the same data. Raises VitrineError for an unusable source, OSError.
    """
    found = Synthetic(out)
    with TemporaryDirectory() as folder:
        root = source or draw_placeholder(Path(folder) / "placeholder")
        palette = list(_palette(open_dataset(root), pictures))
    shas = _write_data(found.data, palette, rows, classes)
    if thumbnails:
        _write_thumbnails(found.cache, palette, shas)
    dataset = open_dataset(found.data, cache=found.cache)
    for number in range(checkpoints):
        _write_predictions(found, dataset, number, np.random.default_rng([seed, number]))
    return found


def _palette(source: Dataset, limit: int) -> Iterator[Picture]:
    table, tasks = source.table, source.taxonomy.tasks
    for row in np.linspace(0, len(source) - 1, min(limit, len(source))).astype(int):
        image = decode_rgb(source.file(int(row)))
        attributes = [(task.name, table[task.name].iat[row]) for task in tasks[1:]]
        yield Picture(
            jpeg=thumbnail_jpeg(image, PICTURE),
            thumbnail=thumbnail_jpeg(image),
            label=str(table[tasks[0].name].iat[row]),
            attributes=";".join(f"{name}:{label}" for name, label in attributes if isinstance(label, str)),
            caption=str(table["caption"].iat[row]),
            instance=str(table["instance_id"].iat[row]) or f"object {row}",
        )


def _write_data(root: Path, palette: list[Picture], rows: int, classes: int | None) -> list[str]:
    """Pictures and labels.csv; returns the pictures' shas."""
    shas = []
    root.mkdir(parents=True, exist_ok=True)
    with (root / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image_path", "class_label", "attributes", "caption", "split", "instance_id"])
        for row in range(rows):
            picture, copy = palette[row % len(palette)], row // len(palette)
            path = f"images/{row // FOLDER_SIZE:03d}/{row:06d}.jpg"
            data = with_comment(picture.jpeg, f"row {row}")
            if row % FOLDER_SIZE == 0:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
            shas.append(sha256_bytes(data))
            label = picture.label if classes is None else f"class {row % classes:03d}"
            split = SPLITS[(row + copy) % len(SPLITS)]
            instance = f"{picture.instance} {copy} {split}"
            writer.writerow([path, label, picture.attributes, picture.caption, split, instance])
    return shas


def with_comment(jpeg: bytes, text: str) -> bytes:
    """The JPEG with a comment segment after its start marker: the same picture in other bytes."""
    comment = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def _write_thumbnails(cache: Path, palette: list[Picture], shas: list[str]) -> None:
    table = Thumbnails(cache / "features")
    for first in range(0, len(shas), CHUNK):
        chunk = enumerate(shas[first : first + CHUNK], first)
        table.add({sha: palette[row % len(palette)].thumbnail for row, sha in chunk})


def _write_predictions(where: Synthetic, dataset: Dataset, number: int, random: np.random.Generator) -> None:
    checkpoint = make_checkpoint(where.checkpoints, f"synthetic-{number + 1}", dataset, seed=number)
    entry = make_entry(where.cache / "features", Variant.of(checkpoint, ENGINE, PRECISION), checkpoint.name)
    centres = random.standard_normal((len(dataset.taxonomy.primary.labels), checkpoint.card.embedding_dim))
    shas = dataset.table["sha"].astype(str).tolist()
    for first in range(0, len(dataset), CHUNK):
        rows = slice(first, first + CHUNK)
        features = FeatureRows(entry.variant)
        features.add(shas[rows], draw_outputs(dataset, rows, centres, 0.96 - 0.04 * number, random))
        append_rows(entry, features)
    read_snapshot(entry)


def draw_outputs(
    dataset: Dataset,
    rows: slice,
    centres: npt.NDArray[np.float64],
    accuracy: float,
    random: np.random.Generator,
) -> Outputs:
    """Outputs whose top-1 is the truth with chance `accuracy`, and else one of the labels next to it.

    Embeddings lie around one of `centres` (L, D) per primary label.
    """
    primary = dataset.codes(dataset.taxonomy.primary.name)[rows]
    noise = random.standard_normal((len(primary), centres.shape[1]))
    embeddings = (centres[np.maximum(primary, 0)] + noise).astype(np.float32)
    logits = {
        task.name: _logits(dataset.codes(task.name)[rows], len(task.labels), accuracy, random)
        for task in dataset.taxonomy.tasks
    }
    return Outputs(embeddings, logits)


def _logits(
    truth: npt.NDArray[np.int32], labels: int, accuracy: float, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    count = len(truth)
    wrong = random.random(count) > accuracy
    step = np.where(wrong, random.integers(1, min(labels, 4), count) if labels > 1 else 0, 0)
    top = (np.maximum(truth, 0) + step) % labels
    found = random.standard_normal((count, labels)).astype(np.float32)
    found[np.arange(count), top] = found.max(axis=1) + random.gamma(2.0, np.where(wrong, 0.5, 2.0))
    return found


def make_checkpoint(folder: Path, name: str, dataset: Dataset, *, seed: int) -> Checkpoint:
    """A checkpoint with untrained weights that fits `dataset`'s tasks."""
    import torch

    from core.models import Card, DataFacts, MultiTaskNetwork, save_checkpoint
    from core.models.preprocessing import backbone_preprocessing

    torch.manual_seed(seed)
    network = MultiTaskNetwork(BACKBONE, dataset.taxonomy)
    card = Card(
        name=name,
        backbone=BACKBONE,
        taxonomy=dataset.taxonomy.to_json(),
        preprocessing=backbone_preprocessing(BACKBONE),
        recipe={"note": "untrained weights; its predictions in the store are drawn at random"},
        seed=seed,
        data=DataFacts(name=dataset.name, fingerprint=dataset.fingerprint),
        embedding_dim=BACKBONES[BACKBONE].embedding_dim,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        sha256="0" * 64,
    )
    return save_checkpoint(folder / name, network, card, bits=16)


def main() -> None:
    """Generate and say how long it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--source", type=Path, help="data set to copy from (default: placeholder)")
    parser.add_argument("--pictures", type=int, default=500, help="different pictures at most")
    parser.add_argument("--classes", type=int, help="so many made-up primary labels")
    parser.add_argument("--checkpoints", type=int, default=2)
    parser.add_argument("--no-thumbnails", action="store_true")
    args = parser.parse_args()
    began = time.monotonic()
    found = make_synthetic(
        args.out,
        args.rows,
        source=args.source,
        pictures=args.pictures,
        classes=args.classes,
        checkpoints=args.checkpoints,
        thumbnails=not args.no_thumbnails,
    )
    print(
        f"{args.rows} rows in {time.monotonic() - began:.0f} s. To use them:\n"
        f"VITRINE_DATA={found.data.resolve()} VITRINE_CACHE={found.cache.resolve()}"
        f" VITRINE_CHECKPOINTS={found.checkpoints.resolve()}"
    )


if __name__ == "__main__":
    main()
