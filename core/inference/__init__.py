"""Running networks: one preprocessing, engines behind one interface, batched prediction. Imports no torch."""

from __future__ import annotations

from core.inference.calibration import Calibration
from core.inference.engine import Engine, Outputs, open_engine
from core.inference.prediction import Batch, predict_images
from core.inference.preprocessing import preprocess
from core.inference.single import predict_one

__all__ = [
    "Batch",
    "Calibration",
    "Engine",
    "Outputs",
    "open_engine",
    "predict_images",
    "predict_one",
    "preprocess",
]
