"""What the figures of single tags say, and no more than their intervals carry."""

import math
from collections.abc import Callable, Iterable
from statistics import median

import numpy as np
from scipy.stats import spearmanr

from app.evaluation.figures import Evaluation, Interval, TagFigures
from app.evaluation.report.blocks import Point
from app.evaluation.report.words import count, listed, measured, number, some

GUESS = 0.5
"""The ROC-AUC of guessing."""

VAGUE = 0.3
"""An interval of PR-AUC as wide as this says little."""

ENOUGH_TAGS = 10
"""Of fewer tags, a rank correlation says nothing."""


def spread(evaluation: Evaluation) -> Point | None:
    """How far apart tags are, by both metrics."""
    roc, pr = (_known(evaluation, of) for of in (_roc, _pr))
    if not roc or not pr:
        return None
    return Point(
        "Tags differ",
        f"Half of the tags have a ROC-AUC of {_middle(roc)}, and a PR-AUC of {_middle(pr)}. "
        "ROC-AUC does not depend on how rare a tag is; PR-AUC of a rare tag is low even where "
        "songs are ranked well.",
    )


def guessed(evaluation: Evaluation) -> Point | None:
    """Tags that can't be told from guessing."""
    tags = [
        each.tag
        for each in evaluation.tags
        if each.roc_auc.low is not None and each.roc_auc.low <= GUESS
    ]
    if not tags:
        return None
    return Point(
        "Not told from guessing",
        f"{some(len(tags), 'tag')}, whose interval of ROC-AUC begins at .5 or below: "
        f"{listed(tags)}.",
    )


def vague(evaluation: Evaluation) -> Point | None:
    """Tags that need more songs to be measured, whatever the model."""
    tags = [each for each in evaluation.tags if _width(each.pr_auc) > VAGUE]
    if not tags:
        return None
    tags.sort(key=lambda each: -_width(each.pr_auc))
    named = listed(f"{each.tag} ({some(each.positives, 'track')})" for each in tags)
    return Point(
        "More songs to test on",
        f"For {some(len(tags), 'tag')} the interval of PR-AUC is wider than {VAGUE:.1f}, so that "
        f"nothing is known of how well they are heard: {named}.",
    )


def examples(evaluation: Evaluation) -> Point | None:
    """Whether tags with more examples are heard better at all."""
    known = [each for each in evaluation.tags if each.roc_auc.value is not None]
    counts = [_examples(each) for each in known]
    figures = [value for each in known if (value := each.roc_auc.value) is not None]
    if len(known) < ENOUGH_TAGS or len(set(counts)) == 1 or len(set(figures)) == 1:
        return None
    rank = float(spearmanr(counts, figures).statistic)
    within = _fisher(rank, len(known))
    if within.low is not None and within.low > 0:
        said = "tags with more examples are heard better"
    elif within.high is not None and within.high < 0:
        said = "tags with more examples are heard worse, so that their labels may be the matter"
    else:
        said = "these tags do not show that more examples make a tag better heard"
    return Point(
        "Do examples help?",
        f"The rank correlation of a tag’s examples and its ROC-AUC is {measured(within, 2)}: "
        f"{said}.",
    )


def starved(evaluation: Evaluation) -> Point:
    """Weak tags with few examples."""
    tags = [each for each in _weak(evaluation) if _examples(each) < _half(evaluation)]
    if not tags:
        return Point(
            "Tags that data may help",
            "None: no tag with fewer examples than half of the others have is surely under the "
            "mean PR-AUC.",
        )
    tags.sort(key=_examples)
    return Point(
        "Tags that data may help",
        f"{_told(tags)} {_have(tags)} fewer examples than half of the tags, and a PR-AUC that is "
        f"surely under the mean of all tags ({_mean(evaluation)}). Part of that is rarity itself.",
    )


def noisy(evaluation: Evaluation) -> Point:
    """Weak tags in spite of many examples."""
    tags = [each for each in _weak(evaluation) if _examples(each) >= _half(evaluation)]
    if not tags:
        return Point(
            "Labels to listen to again",
            "None: no tag with as many examples as half of the others is surely under the mean "
            "PR-AUC.",
        )
    tags.sort(key=lambda each: each.pr_auc.value or 0)
    return Point(
        "Labels to listen to again",
        f"{_told(tags)} {_have(tags)} many examples, and yet a PR-AUC that is surely under the "
        f"mean of all tags ({_mean(evaluation)}): either the labels are not what is heard, or "
        "sound does not tell.",
    )


def _told(tags: Iterable[TagFigures]) -> str:
    return listed(
        f"{each.tag} ({count(_examples(each))} examples, {measured(each.pr_auc, 2)})"
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
    """To learn from, where that is known; else those that it is measured on."""
    return tag.positives if tag.train_positives is None else tag.train_positives


def _half(evaluation: Evaluation) -> float:
    return median(map(_examples, evaluation.tags))


def _fisher(rank: float, amount: int) -> Interval:
    """A rank correlation's 95 % interval, by Fisher's transformation."""
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
