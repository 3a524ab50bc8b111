"""Checkpoints in other forms (int8 and bf16 for OpenVINO, ONNX), and what each form loses and gains."""

from __future__ import annotations

from core.export.report import ExportReport, read_reports
from core.export.targets import TARGETS

__all__ = ["TARGETS", "ExportReport", "read_reports"]
