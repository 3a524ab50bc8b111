"""A recipe: everything that decides how a network is trained, read from YAML, bounded and documented.

Each field's description states its unit and what it does; its range is the field's own constraint.
`docs/training.md` holds the table made from them (`python -m training.recipe_table`); a test holds that.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Names of recipes, phases, checkpoints: they become folder names, so they hold no path and no shell text."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=0.1)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$")]


IMAGENET = "imagenet"
"""The teacher that needs no checkpoint."""


class Part(BaseModel):
    """What every part of a recipe has in common: frozen, finite numbers, no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Phase(Part):
    """A run of epochs with one pair of learning rates; the cosine starts again with each phase."""

    name: Name = Field(description="Name of the phase, shown under the curves.")
    epochs: int = Field(ge=1, le=1000, description="Passes over the training images.")
    backbone_lr: Rate = Field(description="Peak learning rate of the backbone; 0 freezes it.")
    head_lr: Rate = Field(description="Peak learning rate of the heads.")


class Optimizer(Part):
    """The optimizer, and what is done to its gradients and its learning rates."""

    method: Literal["adamw", "muon"] = Field(
        default="adamw",
        description="AdamW for everything, or Muon for the backbone's matrices and AdamW for the rest.",
    )
    weight_decay: float = Field(default=0.01, ge=0, le=1, description="Decoupled weight decay.")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="Learning rate within a phase: cosine annealing towards 0, or constant."
    )
    warmup_epochs: float = Field(
        default=0.0, ge=0, le=100, description="Epochs of linear warm-up at a phase's start."
    )
    clip_norm: float = Field(
        default=0.0, ge=0, le=1000, description="Largest L2 norm of the gradient; 0 leaves it alone."
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        le=0.9999,
        description="Decay per step of an exponential moving average of the weights; 0 is off.",
    )


class Loss(Part):
    """Cross-entropy per head; a missing label counts in no loss."""

    primary_weight: float = Field(default=1.0, ge=0, le=10, description="Weight of the primary task's loss.")
    attribute_weight: float = Field(default=0.5, ge=0, le=10, description="Weight of each other task's loss.")
    label_smoothing: float = Field(
        default=0.0, ge=0, le=0.5, description="Probability mass spread over the other labels."
    )
    class_weights: bool = Field(
        default=False, description="Weight each label by its inverse frequency in training."
    )


class Augmentation(Part):
    """Random changes of the training images, in this order; each is off at 0."""

    crop_scale: tuple[Fraction, Fraction] = Field(
        default=(0.8, 1.0),
        description="Share of the image's area that a random resized crop keeps (low, high).",
    )
    flip: Fraction = Field(default=0.5, description="Probability of a horizontal flip.")
    rotation: float = Field(default=15.0, ge=0, le=180, description="Largest rotation either way, degrees.")
    brightness: Fraction = Field(default=0.3, description="Largest relative change of brightness.")
    contrast: Fraction = Field(default=0.3, description="Largest relative change of contrast.")
    saturation: Fraction = Field(default=0.3, description="Largest relative change of saturation.")
    hue: float = Field(
        default=0.1, ge=0, le=0.5, description="Largest change of hue, share of the colour circle."
    )
    translate: float = Field(
        default=0.1, ge=0, le=0.5, description="Largest shift each way, share of the side."
    )
    erase: Fraction = Field(default=0.1, description="Probability of erasing a random rectangle.")
    erase_scale: tuple[Fraction, Fraction] = Field(
        default=(0.02, 0.33), description="Share of the area that an erased rectangle covers (low, high)."
    )
    mixup: float = Field(
        default=0.0, ge=0, le=10, description="Alpha of the Beta distribution of mixup; 0 is off."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 < self.crop_scale[0] <= self.crop_scale[1]:
            raise ValueError("crop_scale must be (low, high) with 0 < low <= high")
        if not 0 < self.erase_scale[0] <= self.erase_scale[1]:
            raise ValueError("erase_scale must be (low, high) with 0 < low <= high")
        return self


class Distillation(Part):
    """Learning from a teacher's outputs beside the labels."""

    teacher: Reference = Field(
        default=IMAGENET, description="`imagenet` (EfficientNet-Lite0), or a checkpoint's name or folder."
    )
    teacher_size: int | None = Field(
        default=None,
        ge=32,
        le=512,
        description="Side of the pictures that the teacher sees, pixels; empty: its own. Smaller is faster.",
    )
    temperature: float = Field(default=2.0, ge=0.5, le=20, description="Softening of both networks' logits.")
    logit_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the divergence from the teacher's probabilities."
    )
    feature_weight: float = Field(
        default=1.0, ge=0, le=100, description="Weight of the cosine distance to the teacher's embedding."
    )
    map_weight: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Weight of the cosine distance to the teacher's feature map, place by place; 0 is off.",
    )
    middle_weight: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="The same between feature maps half way through both networks; 0 is off.",
    )
    views: int = Field(
        default=4,
        ge=0,
        le=64,
        description="Augmented views per image whose teacher outputs are kept; 0 runs it at every step.",
    )
    extra_images: tuple[Reference, ...] = Field(
        default=(),
        max_length=16,
        description="Folders of further images without labels, for the teacher's part only.",
    )

    @property
    def map_weights(self) -> dict[str, float]:
        """Weights of the feature maps that are learnt, by name."""
        weights = {"map": self.map_weight, "middle": self.middle_weight}
        return {name: weight for name, weight in weights.items() if weight}


class Recipe(Part):
    """How a network is trained."""

    name: Name = Field(description="Name of the recipe.")
    about: str = Field(default="", max_length=400, description="What it is for, in a sentence.")
    method: Literal["fine_tune", "distill", "frozen_features"] = Field(
        default="fine_tune",
        description="Fine-tune the network, distil a teacher into it, or fit heads on frozen features.",
    )
    pretraining: Literal["imagenet", "none"] = Field(
        default="imagenet", description="Weights that the backbone starts from."
    )
    phases: tuple[Phase, ...] = Field(
        min_length=1, max_length=8, description="What is trained, one after the other."
    )
    batch_size: int = Field(
        default=32, ge=2, le=2048, description="Images per optimizer step, over all workers."
    )
    image_size: int | None = Field(
        default=None,
        ge=32,
        le=512,
        description="Side of the training crops, pixels; empty: the backbone's own.",
    )
    eval_size: int | None = Field(
        default=None,
        ge=32,
        le=512,
        description="Side at which the network is evaluated and used, pixels; empty: image_size.",
    )
    sampler: Literal["shuffle", "balanced"] = Field(
        default="shuffle",
        description="Each image once per epoch, or drawn by inverse frequency of its primary label.",
    )
    select_by: Literal["weighted_f1", "macro_f1", "accuracy", "loss"] = Field(
        default="weighted_f1", description="Validation figure of the primary task that picks the best epoch."
    )
    patience: int = Field(
        default=0, ge=0, le=1000, description="Epochs without a better one before stopping; 0 is off."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto",
        description="Arithmetic of the forward pass; auto: bf16 where the hardware has it, else fp32.",
    )
    batch_statistics: Literal["train", "frozen"] = Field(
        default="train",
        description="Batch norm of an unfrozen backbone: statistics of the batch, or those it came with.",
    )
    channels_last: bool = Field(
        default=True, description="Memory order of images that convolutions like best."
    )
    tasks: tuple[Reference, ...] = Field(
        default=(),
        max_length=64,
        description="Tasks that get a head; the primary one always has one. Empty: all of the data set's.",
    )
    extra_data: tuple[Reference, ...] = Field(
        default=(),
        max_length=16,
        description="Folders of further data sets: their training images join, with the labels known here.",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed of Python, NumPy, torch and CUDA.")
    optimizer: Optimizer = Field(default=Optimizer(), description="Optimizer.")
    loss: Loss = Field(default=Loss(), description="Losses.")
    augmentation: Augmentation = Field(default=Augmentation(), description="Augmentation.")
    distillation: Distillation | None = Field(
        default=None, description="Distillation; only with method `distill`."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.method == "distill") != (self.distillation is not None):
            raise ValueError("distillation goes with method 'distill', and only with it")
        if not any(phase.backbone_lr or phase.head_lr for phase in self.phases):
            raise ValueError("every phase has both learning rates at 0, so nothing would be trained")
        if len({phase.name for phase in self.phases}) != len(self.phases):
            raise ValueError("two phases have one name")
        return self

    @property
    def epochs(self) -> int:
        """Epochs of all phases together."""
        return sum(phase.epochs for phase in self.phases)

    def phase_at(self, epoch: int) -> tuple[int, int]:
        """The phase that epoch `epoch` (from 0) lies in, and the epoch's position within that phase."""
        for index, phase in enumerate(self.phases):
            if epoch < phase.epochs:
                return index, epoch
            epoch -= phase.epochs
        raise IndexError("the recipe has fewer epochs")
