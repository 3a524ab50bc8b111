"""Evaluation: confusion, per-class report and scores, each with an interval that knows objects from
photographs."""

from core.evaluation.confusion import NO_PREDICTION, Cell, Confusion, confusion
from core.evaluation.estimate import Estimate, Interval, undefined
from core.evaluation.evaluation import Evaluation, HeadEvaluation, evaluate
from core.evaluation.outcomes import Outcomes, from_probabilities, outcomes
from core.evaluation.ranking import Pair, mistakes, pairs, rank_mistakes
from core.evaluation.report import ClassReport, ClassRow, Scores, class_report, scores
from core.evaluation.thresholds import ThresholdCurve, threshold_curve

__all__ = [
    "NO_PREDICTION",
    "Cell",
    "ClassReport",
    "ClassRow",
    "Confusion",
    "Estimate",
    "Evaluation",
    "HeadEvaluation",
    "Interval",
    "Outcomes",
    "Pair",
    "Scores",
    "ThresholdCurve",
    "class_report",
    "confusion",
    "evaluate",
    "from_probabilities",
    "mistakes",
    "outcomes",
    "pairs",
    "rank_mistakes",
    "scores",
    "threshold_curve",
    "undefined",
]
