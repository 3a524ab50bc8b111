"""Data sets: read, validate, fingerprint, split."""

from core.data.dataset import BASE_COLUMNS, SPLITS, Dataset, Problem, ValidationReport
from core.data.images import decode_rgb, thumbnail_jpeg
from core.data.opening import open_dataset
from core.data.taxonomy import MISSING, Coverage, Task, Taxonomy

__all__ = [
    "BASE_COLUMNS",
    "MISSING",
    "SPLITS",
    "Coverage",
    "Dataset",
    "Problem",
    "Task",
    "Taxonomy",
    "ValidationReport",
    "decode_rgb",
    "open_dataset",
    "thumbnail_jpeg",
]
