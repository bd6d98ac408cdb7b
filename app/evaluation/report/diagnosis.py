"""Diagnose each tag: what its figures show, as far as their intervals are conclusive."""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import numpy as np

from app.evaluation.figures import Evaluation
from app.evaluation.report.formatting import count, number, percent, span, with_interval

GUESS = 0.5
"""The ROC-AUC of guessing."""

WIDE = 0.3
"""A wider interval of PR-AUC is inconclusive."""

ENOUGH_SONGS = 20
"""The least number of songs of a tag in the confusion matrix; fewer are not representative."""

TIMES = 2
"""A share in the confusion matrix stands out if it is this multiple of what is usual."""

ENOUGH_COLUMNS = 3
"""The least number of tags with enough songs, of which confusions can be found."""

MOST_CONFUSIONS = 3
"""The most tags that a tag is reported to be confused with."""

NOTE = (
    "The weakest tags first. A figure is below another if its whole interval is; rare tags have a "
    f"lower PR-AUC in any case. Confusions are those of tags with at least {ENOUGH_SONGS} songs, "
    f"at most {MOST_CONFUSIONS} each; they have no intervals, and songs with both tags count too."
)


class Finding(NamedTuple):
    """A finding on a tag: its kind in a few words, and a sentence with the figures."""

    tag: str
    kind: str
    why: str


def diagnose(evaluation: Evaluation) -> list[Finding]:
    """Return the findings on all tags, those with the lowest PR-AUC first."""
    weakest = sorted(evaluation.tags, key=lambda each: each.pr_auc.value or 0)
    ranks = {each.tag: rank for rank, each in enumerate(weakest)}
    found = [
        *(
            Finding(tag, "not measured", f"It has no figures: {why}.")
            for tag, why in evaluation.left_out.items()
        ),
        *_find_weak(evaluation),
        *_find_confused(evaluation),
        *_find_failing_thresholds(evaluation),
    ]
    return sorted(found, key=lambda finding: ranks.get(finding.tag, -1))


def _find_weak(evaluation: Evaluation) -> Iterator[Finding]:
    """Find tags that need training songs, other labels, or more songs to be measured."""
    mean, examples = evaluation.song.pr_auc_macro.value or 0, _count_examples(evaluation)
    middle = median(examples)
    for each, amount in zip(evaluation.tags, examples, strict=True):
        tag, roc, pr = each.tag, each.roc_auc, each.pr_auc
        if roc.low is None or pr.low is None or pr.high is None:
            continue
        if roc.low <= GUESS:
            why = f"ROC-AUC is {with_interval(roc)}; its interval reaches {GUESS}, guessing."
            yield Finding(tag, "not better than guessing", why)
        if pr.high < mean:
            kind = "needs training songs" if amount < middle else "labels to check"
            why = (
                f"PR-AUC is {with_interval(pr)}, below the mean of all tags, {number(mean)}, with "
                f"{count(amount)} examples (median {middle:g})."
            )
            yield Finding(tag, kind, why)
        if pr.high - pr.low > WIDE:
            why = (
                f"{count(each.positives)} songs are too few: the interval of PR-AUC is {span(pr)}."
            )
            yield Finding(tag, "needs test songs", why)


def _count_examples(evaluation: Evaluation) -> list[int]:
    """Return each tag's number of training songs, or of evaluated ones if those are unknown."""
    trained = [each.train_positives or 0 for each in evaluation.tags]
    return trained if any(trained) else [each.positives for each in evaluation.tags]


def _find_confused(evaluation: Evaluation) -> Iterator[Finding]:
    """Find tags that are predicted for songs of most others, and pairs of confused other tags."""
    shares, even = np.array(evaluation.confusion), 1 / len(evaluation.tags)
    columns = np.flatnonzero([each.positives >= ENOUGH_SONGS for each in evaluation.tags])
    if len(columns) < ENOUGH_COLUMNS:
        return
    others = np.where(np.eye(len(shares), dtype=bool), np.nan, shares)  # without correct tags
    overpredicted = np.nanmedian(others[:, columns], axis=1) >= TIMES * even
    for row in np.flatnonzero(overpredicted):
        mean = percent(np.nanmean(others[row, columns]))
        why = f"It has {mean} of the scores of songs of other tags (evenly {percent(even)})."
        yield Finding(evaluation.tags[row].tag, "predicted too often", why)
    for column in columns:
        tag, in_songs = evaluation.tags[column].tag, others[:, column]
        elsewhere = np.nanmean(others[:, columns[columns != column]], axis=1)
        stands_out = (in_songs >= TIMES * np.maximum(elsewhere, even)) & ~overpredicted
        ranking = np.argsort(-in_songs, kind="stable")
        for row in ranking[stands_out[ranking]][:MOST_CONFUSIONS]:
            other = evaluation.tags[row].tag
            why = (
                f"In its songs, {other} has {percent(in_songs[row])} of the scores, the tag itself "
                f"{percent(shares[column, column])}; in other songs, {other} has "
                f"{percent(elsewhere[row])}."
            )
            yield Finding(tag, f"confused with {other}", why)


def _find_failing_thresholds(evaluation: Evaluation) -> Iterator[Finding]:
    measured = [each for each in evaluation.tags if each.tag not in evaluation.left_out]
    if all(each.threshold is None for each in measured):
        return  # without a validation part there are no thresholds
    target = percent(evaluation.preferred_precision)
    for each in measured:
        if each.threshold is None:
            why = f"No score reaches a precision of {target} in validation."
            yield Finding(each.tag, "no threshold", why)
        elif each.precision is None:
            why = f"No song reaches its threshold, {number(each.threshold)}."
            yield Finding(each.tag, "threshold too high", why)
        elif each.precision < evaluation.preferred_precision:
            why = (
                f"At its threshold, {number(each.threshold)}, precision is "
                f"{percent(each.precision)} on these songs, not {target} as in validation."
            )
            yield Finding(each.tag, "threshold too low", why)
