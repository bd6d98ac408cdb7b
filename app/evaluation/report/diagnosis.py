"""What an evaluation says, in plain words: where to look first."""

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
"""In the order in which they are told; each gives nothing where it has nothing to go by."""


def diagnose(evaluation: Evaluation) -> Points:
    """All that its figures carry."""
    on_progress = (finding(evaluation) for finding in FINDINGS)
    return Points(tuple(point for point in on_progress if point is not None))
