"""Everything a run needs, put together from its spec: data, network, teacher, optimizer, device."""

from __future__ import annotations

import os
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState
from torch.optim.swa_utils import AveragedModel

from core.data.dataset import Dataset
from core.data.opening import open_dataset
from core.data.taxonomy import Taxonomy
from core.errors import CheckpointError, JobError, RecipeError
from core.inference.torch_engine import best_device, has_bf16
from core.models.card import Preprocessing
from core.models.checkpoint import Checkpoint, find_checkpoint
from core.models.network import MultiTaskNetwork, head_key
from core.models.preprocessing import backbone_preprocessing
from core.models.weights import load_network
from core.progress import Progress, silent
from core.settings import Settings
from training.augment import Augmenter, stable_seed
from training.augment_batch import BatchAugmenter, augmenter
from training.data import TrainingData, further_sets, trained_tasks, training_data
from training.images import ImageBank, for_evaluation, for_training
from training.lineage import lineage
from training.losses import DistillationLoss, MultiTaskLoss, label_weights
from training.memory import room_for_images
from training.optimizer import make_optimizer
from training.recipe import Recipe
from training.spec import RunSpec
from training.student import Student, moving_average, plain_attention
from training.teacher import (
    SAMPLE,
    KeptKnowledge,
    Teacher,
    keep_knowledge,
    open_teacher,
    teacher_augmenter,
    view_seed,
)


@dataclass(eq=False)
class Assembly:
    """The parts of one run; `student` is as accelerate prepared it, `average` may be None."""

    spec: RunSpec
    dataset: Dataset
    data: TrainingData
    preprocessing: Preprocessing
    accelerator: Accelerator
    precision: str
    network: MultiTaskNetwork
    student: torch.nn.Module
    bare: Student
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    bank: ImageBank
    eval_bank: ImageBank
    augment: Augmenter | BatchAugmenter
    loss: MultiTaskLoss
    distillation: DistillationLoss | None = None
    teacher: Teacher | None = None
    teacher_augment: Augmenter | BatchAugmenter | None = None
    kept: KeptKnowledge | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def recipe(self) -> Recipe:
        """The run's recipe."""
        return self.spec.recipe

    @property
    def evaluated(self) -> torch.nn.Module:
        """The network whose figures count: the moving average where there is one."""
        return self.network if self.average is None else self.average.module


def assemble(spec: RunSpec, *, progress: Progress = silent) -> Assembly:
    """Put a run together. Raises DataError, CheckpointError, RecipeError, JobError, Cancelled."""
    recipe, settings = spec.recipe, settings_of(spec)
    dataset = open_dataset(Path(spec.data), cache=settings.cache, progress=progress)
    distil = recipe.distillation
    further = further_sets(recipe, settings.cache, progress)
    taxonomy = trained_tasks(recipe.tasks, dataset)
    data = training_data(dataset, distil.extra_images if distil else (), further, taxonomy)
    torch.set_num_threads(spec.threads or os.cpu_count() or 1)
    accelerator, precision = _accelerator(spec)
    seed_everything(stable_seed("initial weights", recipe.seed))
    network, notes = _network(spec, taxonomy, settings)
    if accelerator.device.type == "cpu":
        plain_attention(network)
    preprocessing = evaluation_preprocessing(spec, network)
    size = training_size(recipe, preprocessing)
    grids = map_grids(network, size, distil.map_weights) if distil else {}
    teacher = open_teacher(distil, taxonomy, settings, grids) if distil else None
    bare = Student(
        network,
        teacher.dimension if teacher else 0,
        map_dims={name: teacher.network.map_channels[name] for name in grids} if teacher else None,
        keep_statistics=recipe.batch_statistics == "frozen",
    )
    if recipe.channels_last:
        bare.to(memory_format=torch.channels_last)
    bare.to(accelerator.device)
    average = moving_average(network, recipe.optimizer.ema_decay) if recipe.optimizer.ema_decay else None
    optimizer = make_optimizer(recipe.optimizer, bare)
    kept_size = max(size, teacher.preprocessing.size if teacher else 0)
    bank = ImageBank(data.files, for_training(kept_size, recipe.augmentation.crop_scale[0]))
    eval_bank = ImageBank(data.files, for_evaluation(preprocessing))
    data = data.without(bank.fill(data.train, progress) | eval_bank.fill(data.val, progress))
    room = room_for_images(accelerator.device)
    eval_bank.move_to(accelerator.device, room - bank.move_to(accelerator.device, room))
    assembly = Assembly(
        spec=spec,
        dataset=dataset,
        data=data,
        preprocessing=preprocessing,
        accelerator=accelerator,
        precision=precision,
        network=network,
        student=accelerator.prepare_model(bare),
        bare=bare,
        optimizer=accelerator.prepare_optimizer(optimizer),
        average=average,
        bank=bank,
        eval_bank=eval_bank,
        augment=augmenter(recipe.augmentation, size, preprocessing, accelerator.device),
        loss=_loss(recipe, data, accelerator.device),
        distillation=DistillationLoss(distil) if distil else None,
        notes=notes,
    )
    if teacher is not None:
        _add_teacher(assembly, teacher.to(accelerator, precision), settings, progress)
    return assembly


def settings_of(spec: RunSpec) -> Settings:
    """The settings that a run works with: its own folders before those of the environment."""
    here = Settings.from_environment()
    first = Path(spec.checkpoints).resolve()
    others = tuple(path for path in here.checkpoints if path != first)
    return Settings(here.data, Path(spec.cache).resolve(), (first, *others), here.read_only)


def parent_of(spec: RunSpec, settings: Settings) -> Checkpoint | None:
    """The checkpoint that the run is compared with. Raises CheckpointError where it is gone."""
    return find_checkpoint(settings, spec.parent) if spec.parent else None


def evaluation_preprocessing(spec: RunSpec, network: MultiTaskNetwork) -> Preprocessing:
    """Both sides resized to the network's input, as in the report; mean and std are the backbone's."""
    own = backbone_preprocessing(spec.backbone)
    size = spec.recipe.eval_size or spec.recipe.image_size or own.size
    embedding = getattr(network.backbone, "patch_embed", None)
    if getattr(embedding, "strict_img_size", False) and {size, training_size(spec.recipe, own)} != {own.size}:
        raise RecipeError(
            f"{spec.backbone} takes images of {own.size} pixels only",
            cause=f"The recipe asks for {spec.recipe.image_size or own.size} and {size}.",
            fix="Leave image_size and eval_size empty, or choose another backbone.",
        )
    return own.model_copy(update={"size": size, "crop_pct": 1.0, "crop_mode": "squash"})


def training_size(recipe: Recipe, preprocessing: Preprocessing) -> int:
    """Side of the training crops in pixels."""
    return recipe.image_size or preprocessing.size


@torch.no_grad()
def map_grids(network: MultiTaskNetwork, size: int, names: Collection[str]) -> dict[str, tuple[int, int]]:
    """Rows and columns of the network's feature maps `names` for pictures of `size` pixels."""
    training = network.training
    _, maps = network.eval().embed_with_maps(torch.zeros(1, 3, size, size), names)
    network.train(training)
    return {name: (int(places.shape[2]), int(places.shape[3])) for name, places in maps.items()}


def choose_device(spec: RunSpec) -> str:
    """ "cuda", "mps" or "cpu". Raises JobError where the device that was asked for is not there."""
    best = best_device()
    if spec.device == "auto" or spec.device in {best, "cpu"}:
        return best if spec.device == "auto" else spec.device
    raise JobError(
        f"There is no {spec.device} device here", cause=f"Available: {best}.", fix='Choose the device "auto".'
    )


def choose_precision(wanted: str, device: str) -> str:
    """fp32, bf16 or fp16. Raises JobError where the device does not have what was asked for."""
    if wanted == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    if wanted == "fp16" and device != "cuda":
        raise JobError("fp16 needs a CUDA GPU", cause=f"The device is {device}.", fix='Use precision "auto".')
    return wanted


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, torch and CUDA."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _accelerator(spec: RunSpec) -> tuple[Accelerator, str]:
    device = choose_device(spec)
    precision = choose_precision(spec.recipe.precision, device)
    AcceleratorState._reset_state()
    accelerator = Accelerator(
        cpu=device == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    if accelerator.num_processes != spec.workers:
        raise JobError(
            f"The run has {accelerator.num_processes} processes, not {spec.workers}",
            cause="Its workers did not find each other, or none were started.",
            fix="Launch it on the cluster, or ask for one worker.",
        )
    return accelerator, precision


def _network(spec: RunSpec, taxonomy: Taxonomy, settings: Settings) -> tuple[MultiTaskNetwork, list[str]]:
    """The network with the best start there is, and what the reader should know about it."""
    parent = parent_of(spec, settings)
    if spec.start_from_parent and parent is not None:
        return _from_parent(spec.backbone, taxonomy, parent)
    if spec.recipe.pretraining == "none":
        return MultiTaskNetwork(spec.backbone, taxonomy), []
    try:
        return MultiTaskNetwork(spec.backbone, taxonomy, pretrained=True), []
    except CheckpointError as error:
        note = f"{error.title}. {error.cause} It starts from random weights (pretraining: none)."
        return MultiTaskNetwork(spec.backbone, taxonomy), [note]


def _from_parent(backbone: str, taxonomy: Taxonomy, parent: Checkpoint) -> tuple[MultiTaskNetwork, list[str]]:
    """The parent's backbone, and its heads where task and labels are the same; other heads start afresh."""
    source = load_network(parent)
    if source.backbone_name != backbone:
        raise CheckpointError(
            f"'{parent.name}' cannot be the start of this run",
            cause=f"Its backbone is {source.backbone_name}, not {backbone}.",
            fix="Choose the parent's backbone, or start from ImageNet weights.",
        )
    network = MultiTaskNetwork(backbone, taxonomy)
    network.pretraining = lineage(parent.card)
    network.backbone.load_state_dict(source.backbone.state_dict())
    kept = [t.name for t in taxonomy.tasks if t.name in source.taxonomy and t == source.taxonomy[t.name]]
    for task in kept:
        network.heads[head_key(task)].load_state_dict(source.heads[head_key(task)].state_dict())
    fresh = [name for name in taxonomy.names if name not in kept]
    note = f"New heads, since the parent has none with these labels: {', '.join(fresh)}."
    return network, [note] if fresh else []


def _loss(recipe: Recipe, data: TrainingData, device: torch.device) -> MultiTaskLoss:
    weights = {}
    if recipe.loss.class_weights:
        for task in data.taxonomy.tasks:
            codes = data.labels[task.name][torch.from_numpy(data.train)]
            weights[task.name] = label_weights(codes, len(task.labels)).to(device)
    return MultiTaskLoss(recipe.loss, data.taxonomy, weights)


def _add_teacher(assembly: Assembly, teacher: Teacher, settings: Settings, progress: Progress) -> None:
    recipe = assembly.recipe
    assert recipe.distillation is not None
    if recipe.distillation.views:
        rows = [int(row) for row in assembly.data.train]
        assembly.kept = keep_knowledge(
            teacher, recipe, assembly.bank, rows, assembly.data.fingerprint, settings.cache, progress
        )
    else:
        assembly.teacher = teacher
        assembly.teacher_augment = teacher_augmenter(
            recipe.augmentation, teacher.preprocessing, assembly.accelerator.device
        )
        rows = [int(row) for row in assembly.data.train]
        some = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
        seeds = [view_seed(recipe.seed, row, 0) for row in some]
        shown = assembly.teacher_augment(assembly.bank.batch(some), seeds)
        teacher.standardise(shown.to(assembly.accelerator.device))
