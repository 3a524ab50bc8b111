"""What a training run is asked to do: one JSON file that the loop reads, locally and on a cluster alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from core.errors import JobError
from core.files import atomic_write
from training.recipe import Name, Part, Recipe, Reference
from training.recipes import recipe_error

MAX_BYTES = 1024 * 1024


class RunSpec(Part):
    """One training run. Frozen; unknown fields are refused."""

    name: Name = Field(description="Name of the checkpoint that comes out; a folder name.")
    data: Reference = Field(description="Folder of the data set.")
    backbone: Name = Field(description="A backbone of the allow-list.")
    recipe: Recipe = Field(description="How it is trained.")
    parent: Reference | None = Field(default=None, description="Checkpoint that the result is compared with.")
    start_from_parent: bool = Field(default=False, description="Start from the parent's weights.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="Where it is trained.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that share each batch.")
    threads: int = Field(default=0, ge=0, le=256, description="CPU threads; 0: one per core.")
    checkpoints: Reference = Field(
        default="checkpoints", description="Folder that the checkpoint is written into."
    )
    cache: Reference = Field(default="cache", description="Folder of the feature store and of the runs.")
    weight_bits: Literal[8, 16, 32] = Field(
        default=32, description="Bits of a stored weight (8: int8 by row); they are evaluated as stored."
    )

    def write(self, path: Path) -> None:
        """Write this spec to `path` atomically."""
        atomic_write(path, self.model_dump_json(indent=1) + "\n")


def parse_spec(value: Any) -> RunSpec:
    """Check a run given as a mapping. Raises RecipeError that names the field."""
    try:
        return RunSpec.model_validate(value)
    except ValidationError as error:
        raise recipe_error("This training run is not acceptable", error) from None


def read_spec(path: Path) -> RunSpec:
    """Read `spec.json`. Raises JobError where it cannot be read, RecipeError where a field is refused."""
    try:
        with path.open("rb") as stream:
            value = json.loads(stream.read(MAX_BYTES))
    except (OSError, ValueError) as error:
        raise JobError(
            "The run's spec cannot be read", cause=f"{path.name}: {error}", fix="Submit the run again."
        ) from None
    return parse_spec(value)
