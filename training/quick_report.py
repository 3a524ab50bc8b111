"""What `quick` prints."""

from __future__ import annotations

from typing import Any

from training.quick import QuickResult


def as_table(result: QuickResult) -> str:
    """Accuracy and macro F1 of every head on every split, each with its interval."""
    rows = [("split", "task", "accuracy", "macro F1", "on")]
    for evaluation in result.evaluations:
        for head in evaluation.heads:
            report = head.report
            rows.append(
                (
                    evaluation.split,
                    head.task,
                    report.accuracy.text(),
                    report.macro_f1.text(),
                    report.accuracy.support(),
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    card = result.checkpoint.card
    title = f"{card.name}: {card.backbone}, pretraining: {card.pretraining}"
    return "\n".join([title, "", *lines, "", f"Written to {result.checkpoint.path} (95 % intervals)"])


def as_json(result: QuickResult) -> dict[str, Any]:
    """The checkpoint and its figures: keys name, path, sha256, pretraining, metrics, notes."""
    card = result.checkpoint.card
    metrics = card.model_dump(mode="json")["metrics"]
    return {
        "name": card.name,
        "path": str(result.checkpoint.path),
        "sha256": card.sha256,
        "pretraining": card.pretraining,
        "metrics": metrics,
        "notes": list(result.notes),
    }
