"""Known defects put into a rendered data set, and the file that lists them (read by tests only)."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from core.errors import DataError
from core.files import atomic_write
from training.studio import labels
from training.studio.catalogue import CLASSES
from training.studio.develop import encode
from training.studio.labels import Row
from training.studio.plan import WEAK_SLICE, Photograph
from training.studio.words import reworded

# label -> the label it is easily taken for
CONFUSABLE = {
    "personal_care_soap_bar": "personal_care_deodorant",
    "personal_care_deodorant": "personal_care_shampoo_bottle",
    "tableware_water_bottle": "personal_care_shampoo_bottle",
    "travel_backpack": "travel_handbag",
    "personal_care_shampoo_bottle": "tableware_water_bottle",
    "travel_handbag": "travel_backpack",
}
WRONG_LABELS = {"train": 8, "val": 2, "test": 2}
WRONG_COLOURS = {"train": 7, "val": 2, "test": 1}
COPIES = {"val": 5, "test": 3}  # near-duplicates, each of an image of the train split
LEAKING_INSTANCES, LEAKED_IMAGES = 3, 2  # moved from train to val
GREY_IMAGES = 6


@dataclass(frozen=True)
class Defect:
    """One line of ``planted.csv``: what is given where the truth differs, or the other image of a pair."""

    kind: str
    image_path: str
    task: str = ""
    given: str = ""
    truth: str = ""
    other_path: str = ""
    note: str = ""


@dataclass
class Planting:
    """The rows as they are given, the defects among them, and which images are spoken for."""

    rows: dict[str, Row]
    light: dict[str, str]
    rng: random.Random
    defects: list[Defect]
    taken: set[str]

    def pick(self, count: int, split: str, wanted: Callable[[Row], bool] = lambda row: True) -> list[Row]:
        """``count`` untouched rows of a split, of different classes where possible. Raises DataError."""
        of_split = [row for row in self.rows.values() if row.split == split]
        free = [row for row in of_split if row.image_path not in self.taken and wanted(row)]
        self.rng.shuffle(free)
        seen: dict[str, int] = {}
        ranked: list[tuple[int, int, Row]] = []
        for row in free:
            seen[row.class_label] = seen.get(row.class_label, 0) + 1
            ranked.append((seen[row.class_label], len(ranked), row))
        chosen = [row for _, _, row in sorted(ranked)[:count]]
        if len(chosen) < count:
            raise DataError(
                "Too few images to plant the defects",
                cause=f"{len(chosen)} of {count} fit",
                fix="plan more images",
            )
        self.taken |= {row.image_path for row in chosen}
        return chosen

    def give(self, row: Row, task: str, label: str, kind: str, note: str) -> None:
        """Write a wrong label into a row and its caption, and note it."""
        truth = row.value(task)
        changed = replace(row, caption=reworded(row.caption, task, truth, label))
        if task == "class":
            changed = replace(changed, class_label=label)
        else:
            changed = replace(
                changed, attributes=row.attributes.replace(f"{task}:{truth}", f"{task}:{label}")
            )
        self.rows[row.image_path] = changed
        self.defects.append(Defect(kind, row.image_path, task, label, truth, "", note))


def decide(photographs: Sequence[Photograph], seed: int) -> Planting:
    """Which defects go where; the same plan and seed give the same ones. No image carries two defects.

    Raises DataError when the plan is too small.
    """
    planting = Planting(
        {row.image_path: row for row in labels.rows(photographs)},
        {p.image_path: p.light for p in photographs},
        random.Random(f"planting {seed}"),
        [],
        set(),
    )
    _weak_slice(planting)
    _leaks(planting)
    _copies(planting)
    _corrupt(planting)
    _synonym(planting)
    _wrong_labels(planting)
    _wrong_colours(planting)
    return planting


def _in_weak_slice(row: Row) -> bool:
    return all(row.value(task) == label for task, label in WEAK_SLICE.items())


def _weak_slice(planting: Planting) -> None:
    slice_ = ";".join(f"{task}:{label}" for task, label in WEAK_SLICE.items())
    for row in [row for row in planting.rows.values() if _in_weak_slice(row)]:
        planting.taken.add(row.image_path)
        planting.defects.append(
            Defect(
                "weak_slice",
                row.image_path,
                "",
                slice_,
                slice_,
                "",
                "labels are true; always photographed in the dark",
            )
        )


def _leaks(planting: Planting) -> None:
    whole: dict[str, list[Row]] = {}
    for row in planting.rows.values():
        whole.setdefault(row.instance_id, []).append(row)
    fit = sorted(
        k
        for k, rows in whole.items()
        if rows[0].split == "train"
        and len(rows) >= 5
        and not any(row.image_path in planting.taken for row in rows)
    )
    classes: set[str] = set()
    planting.rng.shuffle(fit)
    for instance in fit:
        rows = whole[instance]
        if len(classes) == LEAKING_INSTANCES or rows[0].class_label in classes:
            continue
        classes.add(rows[0].class_label)
        planting.taken |= {row.image_path for row in rows}
        for row in rows[:LEAKED_IMAGES]:
            planting.rows[row.image_path] = replace(row, split="val")
            planting.defects.append(
                Defect(
                    "leaking_instance",
                    row.image_path,
                    "split",
                    "val",
                    "train",
                    rows[-1].image_path,
                    f"instance {instance} is in train and val",
                )
            )


def _copies(planting: Planting) -> None:
    """A copy takes the place of an image of its class, with an instance of its own: only pixels tell."""
    number = 0
    for split, count in COPIES.items():
        for victim in planting.pick(count, split):
            number += 1
            original = _clear_image(planting, victim.class_label)
            planting.rows[victim.image_path] = replace(
                original, image_path=victim.image_path, split=split, instance_id=f"DEMO_EXTRA_{number:03d}"
            )
            planting.defects.append(
                Defect(
                    "near_duplicate",
                    victim.image_path,
                    "split",
                    split,
                    "train",
                    original.image_path,
                    tuple(_CHANGES)[number % len(_CHANGES)],
                )
            )


def _clear_image(planting: Planting, label: str) -> Row:
    """An untouched image of a class from the train split, not in low light."""

    def fits(row: Row) -> bool:
        return row.class_label == label and planting.light[row.image_path] not in ("dim", "dark")

    return planting.pick(1, "train", fits)[0]


def _corrupt(planting: Planting) -> None:
    row = planting.pick(1, "train")[0]
    planting.defects.append(Defect("corrupt", row.image_path, note="the file ends early"))


def _synonym(planting: Planting) -> None:
    for row in planting.pick(GREY_IMAGES, "train", lambda row: row.value("color") == "gray"):
        planting.give(row, "color", "grey", "synonym", "two spellings of one colour")


def _wrong_labels(planting: Planting) -> None:
    everything = [product.label for product in CLASSES]
    for split, count in WRONG_LABELS.items():
        for i, row in enumerate(planting.pick(count, split)):
            others = [label for label in everything if label != row.class_label]
            likely = CONFUSABLE.get(row.class_label) if i % 3 else None
            note = "a class it is easily taken for" if likely else "any other class"
            planting.give(row, "class", likely or planting.rng.choice(others), "wrong_label", note)


def _wrong_colours(planting: Planting) -> None:
    plain = ("black", "white", "red", "blue", "green", "yellow", "pink", "purple", "brown")
    for split, count in WRONG_COLOURS.items():
        for row in planting.pick(count, split, lambda row: row.value("color") in plain):
            other = planting.rng.choice([name for name in plain if name != row.value("color")])
            planting.give(row, "color", other, "wrong_label", "any other plain colour")


def plant(photographs: Sequence[Photograph], out: Path, seed: int) -> None:
    """Write the copies and the truncated file over their places, then ``labels.csv`` and ``planted.csv``.

    Running it again changes nothing. Raises OSError or DataError when a picture that is needed is missing.
    """
    planting = decide(photographs, seed)
    for defect in planting.defects:
        if defect.kind == "near_duplicate":
            atomic_write(out / defect.image_path, near_duplicate(out / defect.other_path, defect.note))
        elif defect.kind == "corrupt":
            truncate(out / defect.image_path)
    labels.write(out / "labels.csv", planting.rows.values())
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Defect)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(defect) for defect in planting.defects)
    atomic_write(out / "planted.csv", text.getvalue())


def near_duplicate(path: Path, change: str) -> bytes:
    """The picture saved once more as JPEG after a slight change (a key of the table below)."""
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    return encode(np.clip(_CHANGES[change](picture), 0, 1), 72)


def _cropped(picture: np.ndarray) -> np.ndarray:
    side = picture.shape[0]
    edge = round(side * 0.04)
    inner = picture[edge:, : side - edge]
    return np.asarray(ndimage.zoom(inner, (side / inner.shape[0], side / inner.shape[1], 1), order=1))[
        :side, :side
    ]


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "encoded again": lambda picture: picture,
    "cropped by 4 %": _cropped,
    "brighter by 12 %": lambda picture: picture * 1.12,
}


def truncate(path: Path) -> None:
    """Cut a readable picture to 40 % of its bytes; one that no longer decodes is left alone."""
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return
    data = path.read_bytes()
    atomic_write(path, data[: len(data) * 2 // 5])
