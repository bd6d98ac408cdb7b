"""What the figures of all scores together say: confusions, confidence, poolings, what lacks."""

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
from app.evaluation.report.words import listed, measured, percent, pooled, some

SURE = 0.5
"""A score from here on says yes."""


def banded(evaluation: Evaluation) -> Point:
    """Tags that are heard in everything."""
    found = bands(evaluation)
    if not found:
        return Point("Bands", "None: no tag is heard in songs of most others.")
    named = listed(f"{band.tag} (mean share {percent(band.share)})" for band in found)
    return Point(
        "Bands",
        f"{named}: heard in songs of most other tags, at least {BAND} times as strongly as if "
        "scores were spread evenly. The model leans to these; frequent tags do that to it.",
    )


def confused(evaluation: Evaluation) -> Point:
    """Tags that are taken for one another."""
    own, columns = leading(evaluation), enough(evaluation)
    if not columns:
        return Point("Confusions", f"No tag has {ENOUGH_SONGS} tracks, so that nothing is said.")
    begin = f"Of {some(len(columns), 'tag')} with at least {ENOUGH_SONGS} tracks, {len(own)} are "
    begin += "heard as themselves most of all. "
    pairs = [
        f"{pair.true} as {pair.heard} ({percent(pair.share)}; itself {percent(pair.itself)}, "
        f"{pair.heard} elsewhere {percent(pair.elsewhere)})"
        for pair in confusions(evaluation)
    ]
    if not pairs:
        return Point("Confusions", f"{begin}No other tag stands out in any of them.")
    return Point(
        "Confusions",
        f"{begin}Standing out by at least {STANDS_OUT} times: {listed(pairs)}. Songs that have "
        "both tags count here too, and these shares have no intervals.",
    )


def confidence(evaluation: Evaluation) -> Point:
    """Whether scores say more, or less, than they keep."""
    calibration = evaluation.calibration
    sure = [at for at, score in enumerate(calibration.scores) if score >= SURE]
    unsure = [at for at, score in enumerate(calibration.scores) if score < SURE]
    parts = [_gap(calibration, evaluation.tracks, places) for places in (sure, unsure)]
    return Point(
        "Confidence",
        f"Scores are off by {calibration.expected_error:.3f} on the mean. "
        f"{' '.join(filter(None, parts))}",
    )


def poolings(evaluation: Evaluation) -> Point | None:
    """Which poolings are surely better or worse than the mean of windows side by side."""
    others = [each for each in evaluation.songs if each.overall is not evaluation.song]
    if not others:
        return None
    mean = evaluation.song.pr_auc_macro
    better = [each for each in others if surely_above(each.overall.pr_auc_macro, mean)]
    worse = [each for each in others if surely_above(mean, each.overall.pr_auc_macro)]
    open_ = [each for each in others if each not in better and each not in worse]
    on_progress = [
        f"{words}: {_named(levels)}."
        for words, levels in (
            ("Surely better", better),
            ("Surely worse", worse),
            ("Not told apart", open_),
        )
        if levels
    ]
    return Point(
        "Poolings",
        f"Held against the mean of windows side by side, by PR-AUC {measured(mean)}. "
        f"{' '.join(on_progress)}",
    )


def thresholds(evaluation: Evaluation) -> Point:
    """For how many tags the wished precision can be had."""
    preferred = percent(evaluation.preferred_precision)
    having = [each for each in evaluation.tags if each.threshold is not None]
    lacking = [each.tag for each in evaluation.tags if each.threshold is None]
    missed = [
        each.tag
        for each in having
        if each.precision is not None and each.precision < evaluation.preferred_precision
    ]
    on_progress = f"{len(having)} of {some(len(evaluation.tags), 'tag')} have a threshold for a "
    on_progress += f"precision of {preferred} in validation"
    on_progress += f"; no score gives it for {listed(lacking)}." if lacking else "."
    if missed:
        on_progress += f" Here, {len(missed)} of them came out below it: {listed(missed)}."
    return Point("Thresholds", on_progress)


def unmeasured(evaluation: Evaluation) -> Point:
    """What these figures do not speak of."""
    reasons: dict[str, list[str]] = {}
    for tag, why in evaluation.left_out.items():
        reasons.setdefault(why, []).append(tag)
    on_progress = [f"{why}: {listed(tags, most=len(tags))}" for why, tags in reasons.items()]
    silent = [
        each.tag
        for each in evaluation.tags
        if each.pr_auc.value is None and each.tag not in evaluation.left_out
    ]
    if silent:
        on_progress.append(f"no figure for {listed(silent)}")
    on_progress += [
        f"{some(amount, 'track')} skipped: {why.rstrip('.')}"
        for why, amount in Counter(evaluation.skipped.values()).most_common()
    ]
    return Point(
        "Not measured",
        f"{'; '.join(on_progress)}." if on_progress else "Nothing: all tags and all tracks were.",
    )


def _gap(calibration: Calibration, tracks: int, places: list[int]) -> str:
    """Mean score against how often it was right, over some bins.

    Scores of one song are not independent: the error counts no more than one a track.
    """
    amount = sum(calibration.counts[at] for at in places)
    if not amount:
        return ""
    score, right = (
        sum(values[at] * calibration.counts[at] for at in places) / amount
        for values in (calibration.scores, calibration.frequencies)
    )
    reach = 1.96 * math.sqrt(max(right * (1 - right), 0) / max(1, min(amount, tracks)))
    which = f"{SURE} and more" if calibration.scores[places[-1]] >= SURE else f"under {SURE}"
    verdict = "which may be chance"
    if abs(score - right) > reach:
        verdict = "over-confident" if score > right else "under-confident"
    return (
        f"Those of {which} say {percent(score)} and are right {percent(right)} of the time: "
        f"{verdict}."
    )


def _named(levels: Sequence[SongLevel]) -> str:
    return listed(f"{pooled(each)} ({measured(each.overall.pr_auc_macro)})" for each in levels)
