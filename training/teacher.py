"""The teacher of a distillation: its outputs on augmented views, computed once and kept, or at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from core.data.taxonomy import Taxonomy
from core.files import atomic_path, cache_key
from core.models.card import Preprocessing
from core.models.checkpoint import find_checkpoint
from core.models.network import MultiTaskNetwork
from core.models.preprocessing import backbone_preprocessing
from core.models.weights import load_network
from core.progress import Progress, silent
from core.settings import Settings
from training.augment import Augmenter, stable_seed
from training.augment_batch import BatchAugmenter, augmenter
from training.images import ImageBank
from training.recipe import IMAGENET, Augmentation, Distillation, Recipe

Grids = Mapping[str, tuple[int, int]]
"""Rows and columns of feature maps, by name."""
UNSEEN = {"erase", "erase_scale", "mixup"}
"""What is done to the student's pictures only."""
NO_GRIDS: Grids = MappingProxyType({})
IMAGENET_BACKBONE = "tf_efficientnet_lite0"
SCHEMA = "teacher-5"
BATCH = 32
SAMPLE = 256
"""So many images tell the mean and deviation of the features of a teacher that is asked at every step."""


@dataclass(frozen=True)
class Knowledge:
    """What the teacher says of B pictures: embedding (B, E), logits {task: (B, L)} in the student's order,
    and its feature maps {name: (B, C, h, w)} that the student learns."""

    embedding: Tensor
    logits: dict[str, Tensor]
    maps: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Standard:
    """Mean and deviation per channel of a teacher's features, (C,) or (C, 1, 1) float32.

    Features behind a ReLU share most of their direction whatever the picture shows, and a student that says
    the mean every time is already near them by cosine. What is learnt is how a picture differs from the mean.
    A channel that hardly ever fires counts with a tenth of the mean deviation, so that it is not blown up.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Standard:
        """Of features (N, C) or (N, C, h, w), over images and places."""
        count, total, squares = 0, torch.zeros(values.shape[1]), torch.zeros(values.shape[1])
        for part in torch.split(values, 1024):
            flat = part.float().cpu().transpose(0, 1).flatten(1)  # (C, n * h * w)
            count, total, squares = count + flat.shape[1], total + flat.sum(1), squares + flat.square().sum(1)
        mean = total / count
        shape = (-1,) + (1,) * (values.dim() - 2)
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        floor = (0.1 * deviation.mean()).clamp(min=1e-6)
        return cls(mean.view(shape), deviation.clamp(min=float(floor)).view(shape))

    def __call__(self, values: Tensor) -> Tensor:
        """Standardised features, of the same shape."""
        return (values - self.mean.to(values.device)) / self.deviation.to(values.device)


class Teacher:
    """A frozen network that the student learns from; its feature maps come on the student's `grids`
    {name: (h, w)}."""

    def __init__(
        self,
        network: MultiTaskNetwork,
        preprocessing: Preprocessing,
        taxonomy: Taxonomy,
        key: str,
        grids: Grids = NO_GRIDS,
    ) -> None:
        self.grids = grids
        self._standards: dict[str, Standard] = {}
        self.network = network.eval().requires_grad_(False)
        self.preprocessing = preprocessing
        self.key = key
        self.columns = {} if key == IMAGENET else shared_columns(network.taxonomy, taxonomy)
        self._arithmetic: Callable[[], AbstractContextManager[None]] = nullcontext
        self.precision = "fp32"

    @property
    def dimension(self) -> int:
        """Numbers in the teacher's embedding."""
        return self.network.embedding_dim

    def to(self, accelerator: Accelerator, precision: str) -> Teacher:
        """Move the network to the accelerator's device; from here on it works in the student's precision."""
        self.network.to(accelerator.device)
        self._arithmetic, self.precision = accelerator.autocast, precision
        return self

    @torch.no_grad()
    def tell(self, inputs: Tensor) -> Knowledge:
        """Outputs as they are on normalised inputs (B, 3, H, W), maps on the teacher's own grids."""
        with self._arithmetic():
            embedding, maps = self.network.embed_with_maps(inputs, self.grids)
            logits = self.network.forward_heads(embedding)
        shared = {task: logits[task][:, columns].float() for task, columns in self.columns.items()}
        return Knowledge(embedding.float(), shared, {name: value.float() for name, value in maps.items()})

    def __call__(self, inputs: Tensor) -> Knowledge:
        """Outputs on normalised inputs (B, 3, H, W) as the student is shown them."""
        return _shown(self.tell(inputs), self._standards, self.grids)

    def standardise(self, inputs: Tensor) -> None:
        """From here on embedding and maps are standardised by their mean and deviation on `inputs`."""
        self._standards = _standards(_tensors([self.tell(part) for part in torch.split(inputs, BATCH)]))


def open_teacher(
    recipe: Distillation, taxonomy: Taxonomy, settings: Settings, grids: Grids = NO_GRIDS
) -> Teacher:
    """The ImageNet network, or a checkpoint's; `grids`: the student's, of the feature maps that it learns.

    Raises CheckpointError where there is none.
    """
    if recipe.teacher == IMAGENET:
        network = MultiTaskNetwork(IMAGENET_BACKBONE, taxonomy, pretrained=True)
        preprocessing, key = backbone_preprocessing(IMAGENET_BACKBONE), IMAGENET
    else:
        checkpoint = find_checkpoint(settings, recipe.teacher)
        network, preprocessing, key = load_network(checkpoint), checkpoint.card.preprocessing, checkpoint.hash
    if recipe.teacher_size:
        preprocessing = preprocessing.model_copy(update={"size": recipe.teacher_size})
    return Teacher(network, preprocessing, taxonomy, key, grids)


def shared_columns(teacher: Taxonomy, student: Taxonomy) -> dict[str, list[int]]:
    """For each task whose labels the teacher knows all: its columns in the student's order."""
    found = {}
    for task in student.tasks:
        known = teacher[task.name].labels if task.name in teacher else ()
        if set(task.labels) <= set(known):
            found[task.name] = [known.index(label) for label in task.labels]
    return found


class KeptKnowledge:
    """The teacher's outputs on `views` fixed augmentations of each row, in memory as float16 and on disk;
    embedding and maps are given standardised, the maps on `grids`."""

    def __init__(
        self, rows: Sequence[int], views: int, tensors: dict[str, Tensor], grids: Grids = NO_GRIDS
    ) -> None:
        self.views = views
        self.grids = grids
        self._place = {row: place for place, row in enumerate(rows)}
        self._tensors = tensors
        self._standards = _standards(tensors)

    def __call__(self, rows: Sequence[int], view: Sequence[int]) -> Knowledge:
        """Outputs for the given view of each row, float32 on the CPU."""
        places = torch.tensor([self._place[row] * self.views + v for row, v in zip(rows, view, strict=True)])
        found = {name: value[places].float() for name, value in self._tensors.items()}
        logits = {name.removeprefix("logits."): v for name, v in found.items() if name.startswith("logits.")}
        maps = {name: found[name] for name in self.grids}
        return _shown(Knowledge(found["embedding"], logits, maps), self._standards, self.grids)


def keep_knowledge(
    teacher: Teacher,
    recipe: Recipe,
    bank: ImageBank,
    rows: Sequence[int],
    fingerprint: str,
    cache: Path,
    progress: Progress = silent,
) -> KeptKnowledge:
    """Compute the teacher's outputs on every view of `rows`, or read them where an earlier run kept them."""
    assert recipe.distillation is not None
    views = recipe.distillation.views
    files = [str(bank.files[row]) for row in rows]
    key = cache_key(
        SCHEMA,
        teacher=teacher.key,
        size=teacher.preprocessing.size,
        data=fingerprint,
        augmentation=recipe.augmentation.model_dump(mode="json", exclude=UNSEEN),
        views=views,
        seed=recipe.seed,
        files=files,
        tasks=sorted(teacher.columns),
        maps=sorted(teacher.grids),
        precision=teacher.precision,
    )
    path = cache / "teachers" / f"{key}.safetensors"
    if not path.exists():
        tensors = _compute(teacher, recipe, bank, rows, views, progress)
        with atomic_path(path) as temporary:
            save_file(tensors, temporary)
    return KeptKnowledge(rows, views, load_file(path), teacher.grids)


def view_seed(seed: int, row: int, view: int) -> int:
    """The seed of one fixed augmentation of one image."""
    return stable_seed("view", seed, row, view)


def teacher_augmenter(
    recipe: Augmentation, preprocessing: Preprocessing, device: torch.device
) -> Augmenter | BatchAugmenter:
    """The student's augmentation at the teacher's size: same crop, turn and colours; nothing is erased, which
    is drawn last and so disturbs nothing before it."""
    return augmenter(recipe.model_copy(update={"erase": 0.0}), preprocessing.size, preprocessing, device)


def _compute(
    teacher: Teacher, recipe: Recipe, bank: ImageBank, rows: Sequence[int], views: int, progress: Progress
) -> dict[str, Tensor]:
    device = next(teacher.network.parameters()).device
    augment = teacher_augmenter(recipe.augmentation, teacher.preprocessing, device)
    pairs = [(row, view) for row in rows for view in range(views)]
    parts: list[Knowledge] = []
    for start in range(0, len(pairs), BATCH):
        progress(start, len(pairs), "asking the teacher")
        group = pairs[start : start + BATCH]
        inputs = augment(
            bank.batch([row for row, _ in group]), [view_seed(recipe.seed, row, view) for row, view in group]
        )
        parts.append(_halved(teacher.tell(inputs.to(device).contiguous(memory_format=torch.channels_last))))
    return _tensors(parts)


def _halved(part: Knowledge) -> Knowledge:
    """As it is kept: 16 bits, on the CPU, in the usual order of memory, which safetensors asks for."""
    logits = {task: value.half().cpu() for task, value in part.logits.items()}
    maps = {name: value.half().cpu().contiguous() for name, value in part.maps.items()}
    return Knowledge(part.embedding.half().cpu(), logits, maps)


def _tensors(parts: Sequence[Knowledge]) -> dict[str, Tensor]:
    """What was told of several batches, by name: `embedding`, each map, `logits.<task>`."""
    found = {"embedding": torch.cat([part.embedding for part in parts])}
    found |= {name: torch.cat([part.maps[name] for part in parts]) for name in parts[0].maps}
    return found | {
        f"logits.{task}": torch.cat([part.logits[task] for part in parts]) for task in parts[0].logits
    }


def _standards(tensors: dict[str, Tensor]) -> dict[str, Standard]:
    """How to standardise the embedding and each map."""
    return {name: Standard.of(value) for name, value in tensors.items() if not name.startswith("logits.")}


def _shown(told: Knowledge, standards: dict[str, Standard], grids: Grids) -> Knowledge:
    """What the teacher said, standardised where it is known how, its maps brought on the student's grids."""

    def standard(name: str, value: Tensor) -> Tensor:
        return standards[name](value) if name in standards else value

    return Knowledge(
        standard("embedding", told.embedding),
        told.logits,
        {name: _on_grid(standard(name, value), grids[name]) for name, value in told.maps.items()},
    )


def _on_grid(features: Tensor, grid: tuple[int, int]) -> Tensor:
    """A feature map (B, C, H, W) averaged down, or interpolated up, to (B, C, h, w) float32."""
    if tuple(features.shape[2:]) == grid:
        return features.float()
    return functional.interpolate(features.float(), grid, mode="bilinear", antialias=True)
