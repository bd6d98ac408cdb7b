"""Splits interactions by time: a model is trained on the past and evaluated on what came after."""

from dataclasses import dataclass

import numpy as np

from app.errors import SetupError
from app.recommender.data import Indices, Interactions, Mask, Platform, Times

TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """Interactions before and after a moment.

    Attributes:
        platform: The tables, with the interactions before it: all that a model may be trained on.
        test: The interactions from then on.
        at: The moment.
    """

    platform: Platform
    test: Interactions
    at: np.datetime64

    @property
    def train(self) -> Interactions:
        """Return the interactions before the moment."""
        return self.platform.interactions

    @property
    def cold_artists(self) -> Mask:
        """Return which artists have no interaction in training, (artists,)."""
        return _are_absent(self.train.artists, len(self.platform.artists.ids))

    @property
    def cold_curators(self) -> Mask:
        """Return which curators have no interaction in training, (curators,)."""
        return _are_absent(self.train.curators, len(self.platform.curators.ids))


def split_by_time(
    platform: Platform, share: float = TEST_SHARE, at: np.datetime64 | None = None
) -> Split:
    """Split a platform's interactions at a moment.

    Args:
        platform: The tables.
        share: The share of the interactions to evaluate on, the latest ones.
        at: The moment; by default the one that gives this share. Interactions of the same moment
            are all on the later side.

    Raises:
        SetupError: One of the sides is empty.
    """
    made = platform.interactions
    if at is None and len(made):
        at = np.sort(made.at)[min(round((1 - share) * len(made)), len(made) - 1)]
    is_test = made.at >= at if at is not None else np.ones(len(made), bool)
    if not is_test.any() or is_test.all():
        side = "evaluate" if not is_test.any() else "train"
        raise SetupError(
            f"the split at {at} leaves none of {len(made):,} interactions to {side} on; they are "
            f"from {_first(made.at)} to {_last(made.at)}: choose a moment between"
        )
    assert at is not None  # noqa: S101 - otherwise a side is empty
    return Split(platform.with_interactions(made.take(~is_test)), made.take(is_test), at)


def check_no_future(train: Interactions, test: Interactions) -> None:
    """Refuse training data from the time of the evaluation.

    Raises:
        SetupError: An interaction to train on is not before all that are evaluated.
    """
    if len(train) and len(test) and train.at.max() >= test.at.min():
        late = int((train.at >= test.at.min()).sum())
        raise SetupError(
            f"{late:,} interactions to train on are from the time of the evaluation, which begins "
            f"at {test.at.min()}; split by time"
        )


def _are_absent(indices: Indices, count: int) -> Mask:
    absent: Mask = np.bincount(indices, minlength=count) == 0
    return absent


def _first(at: Times) -> str:
    return str(at.min()) if len(at) else "never"


def _last(at: Times) -> str:
    return str(at.max()) if len(at) else "never"
