"""Analyse the confusion matrix of 10.2: bands, and pairs of confused tags.

Its shares have no intervals, so columns of few songs are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.evaluation.figures import Evaluation

ENOUGH_SONGS = 20
"""The least number of songs of a column; fewer are not representative of the tag."""

BAND = 2
"""A band's shares in most columns are at least this multiple of an even distribution."""

STANDS_OUT = 2
"""A confusion's share is at least this multiple of the same tag's share in other columns."""


@dataclass(frozen=True)
class Confused:
    """A tag that is predicted for songs of another one.

    Attributes:
        true: The songs' tag.
        predicted: The predicted tag.
        share: The predicted tag's share of the column.
        itself: The true tag's share of the column.
        elsewhere: The predicted tag's mean share of all other columns.
    """

    true: str
    predicted: str
    share: float
    itself: float
    elsewhere: float


@dataclass(frozen=True)
class Band:
    """A tag that is predicted for songs of most others; `share`: the mean over those."""

    tag: str
    share: float


def enough(evaluation: Evaluation) -> list[int]:
    """Return the indices of tags whose columns have enough songs."""
    return [at for at, each in enumerate(evaluation.tags) if each.positives >= ENOUGH_SONGS]


def bands(evaluation: Evaluation) -> list[Band]:
    """Return the bands, the strongest first."""
    shares, columns = _shares(evaluation), enough(evaluation)
    even = BAND / len(evaluation.tags)
    found = []
    for row, each in enumerate(evaluation.tags):
        others = shares[row, [at for at in columns if at != row]]
        if len(others) > 1 and np.median(others) >= even:
            found.append(Band(each.tag, float(others.mean())))
    return sorted(found, key=lambda band: -band.share)


def confusions(evaluation: Evaluation) -> list[Confused]:
    """Return confused pairs of tags, the strongest first, without bands."""
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
    """Return the other tags with the largest shares in songs of a tag.

    Args:
        evaluation: The evaluation.
        column: The index of the tag.
        most: The largest number of tags returned.
    """
    shares = _shares(evaluation)[:, column]
    order = [at for at in np.argsort(-shares, kind="stable") if at != column and shares[at] > 0]
    return [(evaluation.tags[at].tag, float(shares[at])) for at in order[:most]]


def leading(evaluation: Evaluation) -> list[str]:
    """Return the tags whose songs have the highest share of the tag itself."""
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
