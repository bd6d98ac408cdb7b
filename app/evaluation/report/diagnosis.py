"""Findings of an evaluation as sentences: which tags and scores to look at first."""

from app.evaluation.figures import Evaluation
from app.evaluation.report import score_findings, tag_findings
from app.evaluation.report.blocks import Points

FINDINGS = (
    tag_findings.spread,
    tag_findings.guessed,
    tag_findings.starved,
    tag_findings.noisy,
    tag_findings.vague,
    tag_findings.examples,
    score_findings.banded,
    score_findings.confused,
    score_findings.confidence,
    score_findings.poolings,
    score_findings.thresholds,
    score_findings.unmeasured,
)
"""In the order of the report; each returns None if it does not apply."""


def diagnose(evaluation: Evaluation) -> Points:
    """Return all findings of an evaluation."""
    points = (finding(evaluation) for finding in FINDINGS)
    return Points(tuple(point for point in points if point is not None))
