"""The one error tree. An error carries a title, a cause and a fix; pages show them as they are.

VitrineError
├── DataError            a data set cannot be read
│   └── ImageError       one image cannot be decoded or may not be
├── CheckpointError      a checkpoint is missing, damaged or does not fit
├── InferenceError       a network cannot be run here
├── StoreError           the feature store cannot be read or written
├── SelectionError       a view asks for something that is not there
├── RecipeError          a training recipe is not acceptable
├── JobError             a training job cannot be launched or steered
└── Cancelled            the user stopped the work
"""

from __future__ import annotations


class VitrineError(Exception):
    """What happened (`title`), where and why (`cause`), and how to mend it (`fix`); plain text, no markup."""

    def __init__(self, title: str, *, cause: str = "", fix: str = "") -> None:
        super().__init__(title, cause, fix)
        self.title = title
        self.cause = cause
        self.fix = fix

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.cause, self.fix) if part)


class DataError(VitrineError):
    """A data set cannot be read."""


class ImageError(DataError):
    """One image cannot be decoded, or may not be."""


class CheckpointError(VitrineError):
    """A checkpoint is missing, damaged, or does not fit its card."""


class InferenceError(VitrineError):
    """A network cannot be run on this machine in the way that was asked for."""


class StoreError(VitrineError):
    """The feature store cannot be read or written."""


class SelectionError(VitrineError):
    """A view asks for rows, tasks or labels that are not there."""


class RecipeError(VitrineError):
    """A training recipe is not acceptable."""


class JobError(VitrineError):
    """A training job cannot be launched or steered."""


class Cancelled(VitrineError):
    """The user stopped the work; what was finished is kept."""

    def __init__(self, title: str = "Cancelled", *, cause: str = "", fix: str = "") -> None:
        super().__init__(title, cause=cause, fix=fix)
