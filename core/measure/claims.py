"""What the technical report claims of its two backbones, beside what was measured here.

The claims are data (`claims.json`, with their sections); docs/report-claims.md has what its own figures
allow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from core.evaluation.estimate import Estimate
from core.evaluation.intervals import wilson
from core.measure.measurement import Measurement, Way

Verdict = Literal["supported", "not supported", "cannot be told", "not measured"]
TOLERANCE = 0.05
"""Sizes agree with a claim that was rounded to two digits when they differ by no more than this share."""
FIGURES = {
    "parameters": "Parameters",
    "embedding": "Embedding",
    "file_mb": "File",
    "latency_ms": "Time",
    "accuracy": "Test accuracy",
    "int8_speed_up": "INT8 speed-up",
    "int8_ms": "INT8 time",
}


@dataclass(frozen=True)
class Claim:
    """One figure of the report: of which backbone, its value, its words, and the section it stands in."""

    backbone: str
    figure: str
    value: float
    text: str
    section: str
    right: int | None = None
    of: int | None = None


@dataclass(frozen=True)
class Judged:
    """A claim, what was measured here in words ("" where nothing was), the verdict, and why."""

    claim: Claim
    measured: str
    verdict: Verdict
    why: str


@cache
def claims() -> tuple[str, tuple[Claim, ...]]:
    """The source in words, and its claims."""
    value = json.loads(Path(__file__).with_name("claims.json").read_text("utf-8"))
    return value["source"], tuple(Claim(**claim) for claim in value["claims"])


def judge(
    claim: Claim,
    measurement: Measurement | None,
    *,
    embedding: int | None = None,
    accuracy: Estimate | None = None,
    int8: Way | None = None,
) -> Judged:
    """Set a claim beside a checkpoint of its backbone: what was measured of it, the width of its embedding,
    the accuracy of its primary head, and its int8 form; None where there is none.
    """
    if claim.figure == "accuracy":
        return _accuracy(claim, accuracy)
    if claim.figure == "embedding":
        return _size(claim, None if embedding is None else float(embedding), "{:.0f}")
    if measurement is None:
        return Judged(claim, "", "not measured", "No checkpoint of this backbone has been measured.")
    if claim.figure == "parameters":
        return _size(claim, float(measurement.parameters), "{:,.0f}")
    if claim.figure == "file_mb":
        return _size(claim, measurement.file_bytes / 1e6, "{:.1f} MB")
    if claim.figure == "latency_ms":
        return _latency(claim, measurement)
    return _int8(claim, measurement, int8)


def _size(claim: Claim, found: float | None, pattern: str) -> Judged:
    if found is None:
        return Judged(claim, "", "not measured", "No checkpoint of this backbone is compared here.")
    text = pattern.format(found)
    if abs(found - claim.value) <= TOLERANCE * claim.value:
        return Judged(claim, text, "supported", "The same to two digits.")
    halved = claim.figure == "file_mb" and abs(2 * found - claim.value) <= TOLERANCE * claim.value
    why = "Weights are stored in 16 bits here." if halved else f"{found / claim.value:.2f} of the claim."
    return Judged(claim, text, "supported" if halved else "not supported", why)


def _accuracy(claim: Claim, found: Estimate | None) -> Judged:
    low, high = (100 * float(bound) for bound in wilson(claim.right or 0, claim.of or 0))
    basis = f"{claim.right} of {claim.of} images: {low:.1f} – {high:.1f} % at 95 % confidence"
    why = f"{basis}, before their few objects are counted. Other images, or another training, differ."
    measured = "" if found is None else f"{found.text()} on {found.support()}"
    return Judged(claim, measured, "cannot be told", why)


def _latency(claim: Claim, measurement: Measurement) -> Judged:
    found = [f"{way.name} {way.at(1).p50:.1f} ms on {way.device}" for way in measurement.ways]
    why = f"Their GPU is not named; here: {measurement.hardware}."
    return Judged(claim, "; ".join(found), "cannot be told", why)


def _int8(claim: Claim, measurement: Measurement, int8: Way | None) -> Judged:
    base: Mapping[str, Way] = {way.name: way for way in measurement.ways}
    eager = base.get("torch f32")
    if int8 is None or eager is None:
        return Judged(claim, "", "not measured", "Export the checkpoint to int8 first.")
    if claim.figure == "int8_ms":
        found = int8.at(1).p50
        verdict: Verdict = "supported" if found <= claim.value else "not supported"
        return Judged(
            claim, f"{found:.1f} ms", verdict, f"One image at a time, here: {measurement.hardware}."
        )
    ratio = eager.at(1).p50 / int8.at(1).p50
    exact = base.get("openvino f32")
    beside = "" if exact is None else f"; {exact.at(1).p50 / int8.at(1).p50:.1f} times OpenVINO's float32"
    verdict = "supported" if ratio >= claim.value else "not supported"
    return Judged(claim, f"{ratio:.1f} times eager float32{beside}", verdict, "One image at a time, here.")
