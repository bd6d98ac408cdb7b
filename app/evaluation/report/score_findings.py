"""Findings on all scores: confusions, confidence, poolings, and what was not measured."""

import math
from collections import Counter
from collections.abc import Sequence

from app.evaluation.figures import Calibration, Evaluation, SongLevel
from app.evaluation.report.blocks import Point
from app.evaluation.report.comparing import surely_above
from app.evaluation.report.confusions import (
    BAND,
    ENOUGH_SONGS,
    STANDS_OUT,
    bands,
    confusions,
    enough,
    leading,
)
from app.evaluation.report.words import describe_pooling, listed, percent, some, with_interval

POSITIVE = 0.5
"""Scores from here on count as positive."""


def report_bands(evaluation: Evaluation) -> Point:
    """Return a finding on tags that are predicted for most songs."""
    found = bands(evaluation)
    if not found:
        return Point("Bands", "None: no tag is predicted for songs of most others.")
    named = listed(f"{band.tag} (mean share {percent(band.share)})" for band in found)
    return Point(
        "Bands",
        f"{named}: predicted for songs of most other tags, at least {BAND} times as strongly as "
        "if scores were distributed evenly. The model is biased towards them, often as they are "
        "frequent.",
    )


def report_confusions(evaluation: Evaluation) -> Point:
    """Return a finding on tags that are confused with another."""
    own, columns = leading(evaluation), enough(evaluation)
    if not columns:
        return Point("Confusions", f"Unknown: no tag has {ENOUGH_SONGS} tracks.")
    begin = f"Of {some(len(columns), 'tag')} with at least {ENOUGH_SONGS} tracks, {len(own)} have "
    begin += "the highest share in their own songs. "
    pairs = [
        f"{pair.true} as {pair.predicted} ({percent(pair.share)}; itself {percent(pair.itself)}, "
        f"{pair.predicted} elsewhere {percent(pair.elsewhere)})"
        for pair in confusions(evaluation)
    ]
    if not pairs:
        return Point("Confusions", f"{begin}No other tag stands out in any of them.")
    return Point(
        "Confusions",
        f"{begin}Standing out by at least {STANDS_OUT} times: {listed(pairs)}. Songs that have "
        "both tags count here too, and these shares have no intervals.",
    )


def report_confidence(evaluation: Evaluation) -> Point:
    """Return a finding on whether scores are over-confident or under-confident."""
    calibration = evaluation.calibration
    positive = [at for at, score in enumerate(calibration.scores) if score >= POSITIVE]
    negative = [at for at, score in enumerate(calibration.scores) if score < POSITIVE]
    parts = [_gap(calibration, evaluation.tracks, places) for places in (positive, negative)]
    return Point(
        "Confidence",
        f"Scores are off by {calibration.expected_error:.3f} on average. "
        f"{' '.join(filter(None, parts))}",
    )


def report_poolings(evaluation: Evaluation) -> Point | None:
    """Return a finding on poolings that differ significantly from the mean of adjacent windows."""
    others = [each for each in evaluation.songs if each.overall is not evaluation.song]
    if not others:
        return None
    mean = evaluation.song.pr_auc_macro
    better = [each for each in others if surely_above(each.overall.pr_auc_macro, mean)]
    worse = [each for each in others if surely_above(mean, each.overall.pr_auc_macro)]
    unclear = [each for each in others if each not in better and each not in worse]
    sentences = [
        f"{words}: {_named(levels)}."
        for words, levels in (
            ("Significantly better", better),
            ("Significantly worse", worse),
            ("No significant difference", unclear),
        )
        if levels
    ]
    return Point(
        "Poolings",
        f"Compared with the mean of adjacent windows, with a PR-AUC of {with_interval(mean)}. "
        f"{' '.join(sentences)}",
    )


def report_thresholds(evaluation: Evaluation) -> Point:
    """Return a finding on the tags with a threshold for the target precision."""
    preferred = percent(evaluation.preferred_precision)
    having = [each for each in evaluation.tags if each.threshold is not None]
    lacking = [each.tag for each in evaluation.tags if each.threshold is None]
    missed = [
        each.tag
        for each in having
        if each.precision is not None and each.precision < evaluation.preferred_precision
    ]
    text = f"{len(having)} of {some(len(evaluation.tags), 'tag')} have a threshold for a "
    text += f"precision of {preferred} in validation"
    text += f"; no score reaches it for {listed(lacking)}." if lacking else "."
    if missed:
        text += f" On this part, {len(missed)} of them are below it: {listed(missed)}."
    return Point("Thresholds", text)


def report_unmeasured(evaluation: Evaluation) -> Point:
    """Return a finding on the tags and tracks that were not measured."""
    reasons: dict[str, list[str]] = {}
    for tag, why in evaluation.left_out.items():
        reasons.setdefault(why, []).append(tag)
    parts = [f"{why}: {listed(tags, most=len(tags))}" for why, tags in reasons.items()]
    without_figures = [
        each.tag
        for each in evaluation.tags
        if each.pr_auc.value is None and each.tag not in evaluation.left_out
    ]
    if without_figures:
        parts.append(f"no figure for {listed(without_figures)}")
    parts += [
        f"{some(amount, 'track')} skipped: {why.rstrip('.')}"
        for why, amount in Counter(evaluation.skipped.values()).most_common()
    ]
    return Point(
        "Not measured",
        f"{'; '.join(parts)}." if parts else "Nothing: all tags and tracks were measured.",
    )


def _gap(calibration: Calibration, tracks: int, places: list[int]) -> str:
    """Compare the mean score of some bins with how often scores are correct.

    Scores of one song are not independent, so the error assumes at most one score a track.
    """
    amount = sum(calibration.counts[at] for at in places)
    if not amount:
        return ""
    score, frequency = (
        sum(values[at] * calibration.counts[at] for at in places) / amount
        for values in (calibration.scores, calibration.frequencies)
    )
    reach = 1.96 * math.sqrt(max(frequency * (1 - frequency), 0) / max(1, min(amount, tracks)))
    which = (
        f"{POSITIVE} and more"
        if calibration.scores[places[-1]] >= POSITIVE
        else f"under {POSITIVE}"
    )
    verdict = "which may be chance"
    if abs(score - frequency) > reach:
        verdict = "over-confident" if score > frequency else "under-confident"
    return (
        f"Scores of {which} average {percent(score)} and are correct {percent(frequency)} of the "
        f"time: {verdict}."
    )


def _named(levels: Sequence[SongLevel]) -> str:
    return listed(
        f"{describe_pooling(each)} ({with_interval(each.overall.pr_auc_macro)})" for each in levels
    )
