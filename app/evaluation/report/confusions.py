"""What the confusion of 10.2 holds: bands, and tags that are heard as another.

Its shares have no intervals. So columns of few songs are left out, and nothing is said but what is
there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.evaluation.figures import Evaluation

ENOUGH_SONGS = 20
"""A column of fewer songs says more about these songs than about the tag."""

BAND = 2
"""A band holds so many times what it would if scores were spread evenly, in most columns."""

STANDS_OUT = 2
"""A confusion is so many times as strong as what the same tag has in other columns."""


@dataclass(frozen=True)
class Confused:
    """Songs of a tag in which another is heard.

    Attributes:
        true: The songs' tag.
        heard: The other.
        share: Of the column.
        itself: The share of the songs' own tag.
        elsewhere: The mean share of the other in all other columns.
    """

    true: str
    heard: str
    share: float
    itself: float
    elsewhere: float


@dataclass(frozen=True)
class Band:
    """A tag that is heard in songs of most others; `share`: the mean over those."""

    tag: str
    share: float


def enough(evaluation: Evaluation) -> list[int]:
    """The places of tags whose columns have songs enough."""
    return [at for at, each in enumerate(evaluation.tags) if each.positives >= ENOUGH_SONGS]


def bands(evaluation: Evaluation) -> list[Band]:
    """The strongest first."""
    shares, columns = _shares(evaluation), enough(evaluation)
    even = BAND / len(evaluation.tags)
    found = []
    for row, each in enumerate(evaluation.tags):
        others = shares[row, [at for at in columns if at != row]]
        if len(others) > 1 and np.median(others) >= even:
            found.append(Band(each.tag, float(others.mean())))
    return sorted(found, key=lambda band: -band.share)


def confusions(evaluation: Evaluation) -> list[Confused]:
    """Where a tag stands out in songs of another, the strongest first; bands apart."""
    wide = {band.tag for band in bands(evaluation)}
    even = 1 / len(evaluation.tags)
    pairs = [
        _pair(evaluation, row, column, enough(evaluation))
        for column in enough(evaluation)
        for row, each in enumerate(evaluation.tags)
        if row != column and each.tag not in wide
    ]
    found = [
        pair for pair in pairs if pair.share >= max(STANDS_OUT * pair.elsewhere, STANDS_OUT * even)
    ]
    return sorted(found, key=lambda pair: -pair.share)


def strongest(evaluation: Evaluation, column: int, most: int = 3) -> list[tuple[str, float]]:
    """What else is heard most in songs of a tag, with its share."""
    shares = _shares(evaluation)[:, column]
    order = [at for at in np.argsort(-shares, kind="stable") if at != column and shares[at] > 0]
    return [(evaluation.tags[at].tag, float(shares[at])) for at in order[:most]]


def leading(evaluation: Evaluation) -> list[str]:
    """Tags whose songs are heard as the tag itself most of all."""
    shares = _shares(evaluation)
    return [evaluation.tags[at].tag for at in enough(evaluation) if shares[:, at].argmax() == at]


def _pair(evaluation: Evaluation, row: int, column: int, columns: list[int]) -> Confused:
    shares = _shares(evaluation)
    others = [at for at in columns if at not in {row, column}]
    elsewhere = float(shares[row, others].mean()) if others else 0.0
    return Confused(
        evaluation.tags[column].tag,
        evaluation.tags[row].tag,
        float(shares[row, column]),
        float(shares[column, column]),
        elsewhere,
    )


def _shares(evaluation: Evaluation) -> npt.NDArray[np.float64]:
    return np.array(evaluation.confusion, dtype=np.float64)
