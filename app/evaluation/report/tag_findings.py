"""Findings on single tags, as far as their intervals are conclusive."""

import math
from collections.abc import Callable, Iterable
from statistics import median

import numpy as np
from scipy.stats import spearmanr

from app.evaluation.figures import Evaluation, Interval, TagFigures
from app.evaluation.report.blocks import Point
from app.evaluation.report.words import count, listed, number, some, with_interval

GUESS = 0.5
"""The ROC-AUC of guessing."""

WIDE = 0.3
"""A wider interval of PR-AUC is inconclusive."""

ENOUGH_TAGS = 10
"""The least number of tags for a rank correlation."""


def report_spread(evaluation: Evaluation) -> Point | None:
    """Return a finding on the distribution of tags by both metrics."""
    roc, pr = (_known(evaluation, of) for of in (_roc, _pr))
    if not roc or not pr:
        return None
    return Point(
        "Tags differ",
        f"Half of the tags have a ROC-AUC of {_middle(roc)}, and a PR-AUC of {_middle(pr)}. "
        "ROC-AUC does not depend on how rare a tag is; PR-AUC of a rare tag is low even if "
        "songs are ranked well.",
    )


def report_guessing(evaluation: Evaluation) -> Point | None:
    """Return a finding on tags that are not significantly better than guessing."""
    tags = [
        each.tag
        for each in evaluation.tags
        if each.roc_auc.low is not None and each.roc_auc.low <= GUESS
    ]
    if not tags:
        return None
    return Point(
        "Not better than guessing",
        f"{some(len(tags), 'tag')}, whose interval of ROC-AUC begins at .5 or below: "
        f"{listed(tags)}.",
    )


def report_wide_intervals(evaluation: Evaluation) -> Point | None:
    """Return a finding on tags that need more songs to be evaluated."""
    tags = [each for each in evaluation.tags if _width(each.pr_auc) > WIDE]
    if not tags:
        return None
    tags.sort(key=lambda each: -_width(each.pr_auc))
    named = listed(f"{each.tag} ({some(each.positives, 'track')})" for each in tags)
    return Point(
        "More songs to test on",
        f"For {some(len(tags), 'tag')} the interval of PR-AUC is wider than {WIDE:.1f}, so it "
        f"is unknown how well they are predicted: {named}.",
    )


def report_example_effect(evaluation: Evaluation) -> Point | None:
    """Return a finding on whether tags with more examples are predicted better."""
    known = [each for each in evaluation.tags if each.roc_auc.value is not None]
    counts = [_examples(each) for each in known]
    figures = [value for each in known if (value := each.roc_auc.value) is not None]
    if len(known) < ENOUGH_TAGS or len(set(counts)) == 1 or len(set(figures)) == 1:
        return None
    rank = float(spearmanr(counts, figures).statistic)
    within = _fisher(rank, len(known))
    if within.low is not None and within.low > 0:
        result = "tags with more examples are predicted better"
    elif within.high is not None and within.high < 0:
        result = "tags with more examples are predicted worse, so their labels may be wrong"
    else:
        result = "these tags do not show that more examples help"
    return Point(
        "Do examples help?",
        f"The rank correlation of a tag’s examples and its ROC-AUC is {with_interval(within, 2)}: "
        f"{result}.",
    )


def report_few_examples(evaluation: Evaluation) -> Point:
    """Return a finding on weak tags with few examples."""
    tags = [each for each in _weak(evaluation) if _examples(each) < _median_examples(evaluation)]
    if not tags:
        return Point(
            "Tags that data may help",
            "None: no tag with fewer examples than the median is significantly below the mean "
            "PR-AUC.",
        )
    tags.sort(key=_examples)
    return Point(
        "Tags that data may help",
        f"{_named(tags)} {_have(tags)} fewer examples than the median tag, and a PR-AUC that is "
        f"significantly below the mean of all tags ({_mean(evaluation)}), in part as rare tags "
        "have a lower PR-AUC.",
    )


def report_noisy_labels(evaluation: Evaluation) -> Point:
    """Return a finding on weak tags in spite of many examples."""
    tags = [each for each in _weak(evaluation) if _examples(each) >= _median_examples(evaluation)]
    if not tags:
        return Point(
            "Labels to check",
            "None: no tag with at least the median number of examples is significantly below the "
            "mean PR-AUC.",
        )
    tags.sort(key=lambda each: each.pr_auc.value or 0)
    return Point(
        "Labels to check",
        f"{_named(tags)} {_have(tags)} many examples, but a PR-AUC that is significantly below "
        f"the mean of all tags ({_mean(evaluation)}): either labels are wrong, or the audio does "
        "not determine the tag.",
    )


def _named(tags: Iterable[TagFigures]) -> str:
    return listed(
        f"{each.tag} ({count(_examples(each))} examples, {with_interval(each.pr_auc, 2)})"
        for each in tags
    )


def _have(tags: list[TagFigures]) -> str:
    return "have" if len(tags) > 1 else "has"


def _weak(evaluation: Evaluation) -> list[TagFigures]:
    mean = evaluation.song.pr_auc_macro.value
    return [
        each
        for each in evaluation.tags
        if mean is not None and each.pr_auc.high is not None and each.pr_auc.high < mean
    ]


def _mean(evaluation: Evaluation) -> str:
    return number(evaluation.song.pr_auc_macro.value)


def _examples(tag: TagFigures) -> int:
    """Return the number of training tracks if known, else the number of evaluated ones."""
    return tag.positives if tag.train_positives is None else tag.train_positives


def _median_examples(evaluation: Evaluation) -> float:
    return median(map(_examples, evaluation.tags))


def _fisher(rank: float, amount: int) -> Interval:
    """Return a rank correlation's 95 % interval, by Fisher's transformation."""
    middle = math.atanh(max(-0.999, min(0.999, rank)))
    reach = 1.96 / math.sqrt(amount - 3)
    return Interval(value=rank, low=math.tanh(middle - reach), high=math.tanh(middle + reach))


def _known(evaluation: Evaluation, of: Callable[[TagFigures], Interval]) -> list[float]:
    return [value for each in evaluation.tags if (value := of(each).value) is not None]


def _middle(values: list[float]) -> str:
    low, high = np.quantile(values, (0.25, 0.75))
    return f"{low:.2f} to {high:.2f}"


def _width(interval: Interval) -> float:
    return 0 if interval.low is None or interval.high is None else interval.high - interval.low


def _roc(tag: TagFigures) -> Interval:
    return tag.roc_auc


def _pr(tag: TagFigures) -> Interval:
    return tag.pr_auc
