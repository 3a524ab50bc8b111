"""Checkpoints on disk: a folder with `model.safetensors` and `card.json`. Nothing here imports torch.

A card carries a checksum over its own content, and the SHA-256 of its weights. Weights are written first,
beside the old ones, then the card takes its place: at every moment it names a whole file of weights.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.data.taxonomy import Task, Taxonomy
from core.errors import CheckpointError, VitrineError
from core.files import atomic_write_json, sha256_bytes
from core.models.card import Card
from core.settings import Settings

CARD = "card.json"
WEIGHTS = "model.safetensors"
NEXT_WEIGHTS = "model.next.safetensors"
_MAX_CARD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose card was read and checked; its weights are checked when they are loaded."""

    path: Path
    card: Card = field(repr=False)

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self.card.name

    @property
    def hash(self) -> str:
        """SHA-256 of the weights: the key of everything computed with them."""
        return self.card.sha256

    @property
    def taxonomy(self) -> Taxonomy:
        """The tasks and labels that the network predicts."""
        return Taxonomy(tuple(Task(name, tuple(labels)) for name, labels in self.card.taxonomy.items()))


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read and check a checkpoint's card. Raises CheckpointError that says what is wrong with which file."""
    path = folder / CARD
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise CheckpointError(
                f"{path} is too large for a card", fix="Restore the checkpoint from a copy."
            )
        value = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"'{folder.name}' is not a checkpoint",
            cause=f"{path} does not exist.",
            fix="Point at a checkpoint folder.",
        ) from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    return Checkpoint(folder, _parse(path, value))


def list_checkpoints(settings: Settings) -> tuple[list[Checkpoint], list[tuple[Path, VitrineError]]]:
    """The readable checkpoints below the settings' folders, by name, and the folders that are not and why.

    Of two checkpoints of one name the first folder wins; the other is reported.
    """
    found: dict[str, Checkpoint] = {}
    problems: list[tuple[Path, VitrineError]] = []
    for folder in _candidates(settings):
        try:
            checkpoint = read_checkpoint(folder)
        except CheckpointError as error:
            problems.append((folder, error))
            continue
        if checkpoint.name in found:
            problems.append((folder, _same_name(checkpoint, found[checkpoint.name])))
        else:
            found[checkpoint.name] = checkpoint
    return [found[name] for name in sorted(found)], problems


def find_checkpoint(settings: Settings, name_or_path: str | Path) -> Checkpoint:
    """The checkpoint of that name, or in that folder. Raises CheckpointError that lists those there are."""
    checkpoints, problems = list_checkpoints(settings)
    for checkpoint in checkpoints:
        if checkpoint.name == str(name_or_path):
            return checkpoint
    for path, problem in problems:
        if path.name == str(name_or_path):
            raise problem
    folder = Path(name_or_path).expanduser()
    if folder.name == CARD:
        folder = folder.parent
    if folder.is_dir():
        return read_checkpoint(folder)
    names = ", ".join(checkpoint.name for checkpoint in checkpoints) or "none"
    raise CheckpointError(
        f"There is no checkpoint '{name_or_path}'",
        cause=f"The checkpoints are: {names}.",
        fix="Give one of these names or the path of a checkpoint's folder, or train one: "
        "python -m training quick --data DIR --name NAME",
    )


def write_card(folder: Path, card: Card) -> None:
    """Put `card` in its place atomically. Raises OSError with the old card intact."""
    value = card.model_dump(mode="json")
    atomic_write_json(folder / CARD, {**value, "checksum": _checksum(value)})


def update_card(checkpoint: Checkpoint, **changes: Any) -> Checkpoint:
    """Change facts of a card (never its weights' hash), e.g. `metrics=` or `temperature=`.

    Raises CheckpointError where the result would not be a valid card.
    """
    if "sha256" in changes:
        raise CheckpointError("A card's hash belongs to its weights", fix="Save a new checkpoint instead.")
    path = checkpoint.path / CARD
    card = _validated(path, {**checkpoint.card.model_dump(mode="json"), **changes})
    write_card(checkpoint.path, card)
    return Checkpoint(checkpoint.path, card)


def read_weights(checkpoint: Checkpoint) -> bytes:
    """The safetensors bytes that the card names. Raises CheckpointError where no file has its SHA-256."""
    seen = []
    for name in (WEIGHTS, NEXT_WEIGHTS, WEIGHTS):  # a writer may move the second over the first in between
        try:
            data = (checkpoint.path / name).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unusable_weights(checkpoint, str(error)) from error
        if sha256_bytes(data) == checkpoint.hash:
            return data
        seen.append(f"{name} has SHA-256 {sha256_bytes(data)[:12]}…, the card names {checkpoint.hash[:12]}…")
    raise unusable_weights(checkpoint, seen[0] if seen else f"{WEIGHTS} does not exist.")


def unusable_weights(checkpoint: Checkpoint, cause: str) -> CheckpointError:
    """The error for weights that are missing, torn or altered."""
    return CheckpointError(
        f"The weights of checkpoint '{checkpoint.name}' cannot be used",
        cause=f"{checkpoint.path}: {cause}",
        fix="Restore the checkpoint's folder from a copy, or train or convert it again.",
    )


def _candidates(settings: Settings) -> list[Path]:
    folders = []
    for parent in settings.checkpoints:
        children = sorted(parent.iterdir()) if parent.is_dir() else []
        folders += [child for child in children if child.is_dir() and not child.name.startswith(".")]
    return [folder for folder in folders if (folder / CARD).exists() or (folder / WEIGHTS).exists()]


def _parse(path: Path, value: Any) -> Card:
    if not isinstance(value, dict):
        raise _damaged(path, "It does not hold a JSON object.")
    checksum = value.pop("checksum", None)
    if checksum != _checksum(value):
        raise _damaged(path, "Its content does not match its checksum: it was altered after it was written.")
    return _validated(path, value)


def _validated(path: Path, value: dict[str, Any]) -> Card:
    try:
        return Card.model_validate(value)
    except ValidationError as error:
        causes = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'card'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise _damaged(path, causes) from error


def _checksum(value: dict[str, Any]) -> str:
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
    except (ValueError, RecursionError):
        return ""


def _damaged(path: Path, cause: str) -> CheckpointError:
    return CheckpointError(
        f"The card of checkpoint '{path.parent.name}' cannot be used",
        cause=f"{path}: {cause}",
        fix="Restore the checkpoint's folder from a copy, or train or convert it again.",
    )


def _same_name(one: Checkpoint, other: Checkpoint) -> CheckpointError:
    return CheckpointError(
        f"Two checkpoints are called '{one.name}'",
        cause=f"{other.path} is used, {one.path} is not.",
        fix="Remove one of them or save it under another name.",
    )
