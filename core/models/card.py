"""The card of a checkpoint: everything that must be known to use its weights and to trust its figures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.models.backbones import BACKBONES

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""What a checkpoint may be called: also a safe folder name."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Channel = Annotated[float, Field(ge=-10, le=10)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Preprocessing(_Value):
    """How an image becomes a network's input: resize, centre crop, scale to [0, 1], then (x - mean) / std."""

    size: int = Field(ge=16, le=1024)
    """Height and width of the input in pixels."""
    mean: tuple[Channel, Channel, Channel]
    std: tuple[
        Annotated[float, Field(gt=0, le=10)],
        Annotated[float, Field(gt=0, le=10)],
        Annotated[float, Field(gt=0, le=10)],
    ]
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    crop_pct: float = Field(default=1.0, gt=0.1, le=1.0)
    """The shorter side is resized to `size / crop_pct` and the centre `size` pixels are kept."""
    crop_mode: Literal["center", "squash"] = "center"
    """"squash" resizes both sides to `size / crop_pct` and so keeps the edges of oblong images."""


class Measure(_Value):
    """One figure with its interval, as the evaluation's Estimate has it."""

    value: float
    low: float | None
    high: float | None
    n: int = Field(ge=0)
    instances: int | None = None
    method: str = ""


class CalibrationFacts(_Value):
    """What temperatures were fitted on: a data set, its split, and how many images of it per task."""

    data: str = ""
    fingerprint: str = ""
    split: str = ""
    images: dict[str, int] = Field(default_factory=dict)


class DataFacts(_Value):
    """What a network was fitted on: the data set's name, fingerprint and images per split."""

    name: str = ""
    fingerprint: str = ""
    splits: dict[str, int] = Field(default_factory=dict)
    further: dict[str, int] = Field(default_factory=dict)
    """Images of other folders that were trained on too, by the folder's name."""


Metrics = dict[str, dict[str, dict[str, Measure]]]
"""`{split: {task: {"accuracy": Measure, ...}}}`."""


FROZEN_STEP = "heads on frozen features"
"""How a lineage tells of a step that left the backbone as it was."""


class Card(_Value):
    """The facts of one checkpoint, stored beside its weights as `card.json`."""

    name: str = Field(pattern=NAME_PATTERN)
    backbone: str
    taxonomy: dict[str, list[str]] = Field(min_length=1)
    """Labels of every task, in the order of its logits; the primary task first."""
    preprocessing: Preprocessing
    recipe: dict[str, Any] = Field(default_factory=dict)
    pretraining: str = "none"
    """Where the backbone's weights began, with package and licence, or "none"."""
    seed: int = 0
    data: DataFacts = Field(default_factory=DataFacts)
    metrics: Metrics = Field(default_factory=dict)
    temperature: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Calibration per task; a task without one has temperature 1."""
    calibration: CalibrationFacts | None = None
    """Where the temperatures come from; None where there are none."""
    hardware: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    parent: Digest | None = None
    """Hash of the checkpoint that this one was made from."""
    created: str = ""
    """ISO 8601 time, UTC."""
    embedding_dim: int = Field(ge=1)
    parameters: int = Field(ge=0)
    sha256: Digest
    """SHA-256 of `model.safetensors`."""
    history: list[dict[str, Any]] = Field(default_factory=list)
    """One record per epoch."""

    def frozen_without(self, data: str) -> bool:
        """Whether the backbone was frozen, and came from weights that no step before had fine-tuned on the
        data set called `data`, as far as the card tells."""
        steps = [step for step in self.pretraining.split("; then ") if FROZEN_STEP not in step]
        return self.recipe.get("backbone") == "frozen" and not any(data in step for step in steps)

    @field_validator("backbone")
    @classmethod
    def _allowed(cls, value: str) -> str:
        if value not in BACKBONES:
            raise ValueError(f"'{value}' is not on the allow-list of backbones ({', '.join(BACKBONES)})")
        return value

    @field_validator("taxonomy")
    @classmethod
    def _distinct(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for task, labels in value.items():
            if not task or not labels or len(set(labels)) != len(labels):
                raise ValueError(f"the labels of task '{task}' are empty or not distinct")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Card:
        dimension = BACKBONES[self.backbone].embedding_dim
        if self.embedding_dim != dimension:
            raise ValueError(
                f"embeddings of {self.backbone} have {dimension} dimensions, not {self.embedding_dim}"
            )
        strangers = sorted(set(self.temperature) - set(self.taxonomy))
        if strangers:
            raise ValueError(f"temperatures for unknown tasks: {', '.join(strangers)}")
        return self
