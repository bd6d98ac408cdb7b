"""Findings of an evaluation as sentences: which tags and scores to look at first."""

from app.evaluation.figures import Evaluation
from app.evaluation.report import score_findings, tag_findings
from app.evaluation.report.blocks import Points

FINDINGS = (
    tag_findings.report_spread,
    tag_findings.report_guessing,
    tag_findings.report_few_examples,
    tag_findings.report_noisy_labels,
    tag_findings.report_wide_intervals,
    tag_findings.report_example_effect,
    score_findings.report_bands,
    score_findings.report_confusions,
    score_findings.report_confidence,
    score_findings.report_poolings,
    score_findings.report_thresholds,
    score_findings.report_unmeasured,
)
"""In the order of the report; each returns None if it does not apply."""


def diagnose(evaluation: Evaluation) -> Points:
    """Return all findings of an evaluation."""
    points = (finding(evaluation) for finding in FINDINGS)
    return Points(tuple(point for point in points if point is not None))
