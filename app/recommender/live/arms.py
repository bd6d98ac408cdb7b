"""The arms of a comparison: the artists who got recommendations from one recommender."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.errors import SetupError
from app.feedback.outcomes import ArtistCounts
from app.recommender.data import Floats


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm.

    Attributes:
        recommender: The name and version of the recommender.
        artists: The platform's ids.
        recommendations: The number of recommendations with feedback.
        sent: The number of recommended curators who were sent a track, by artist, (artists,).
        accepted: Those of them who agreed to share it, or shared it.
        declined: Those of them who declined it without feedback.
        unanswered: Those of them who have not answered yet.
    """

    recommender: str
    artists: tuple[str, ...]
    recommendations: int
    sent: Floats
    accepted: Floats
    declined: Floats
    unanswered: Floats

    @property
    def correlation(self) -> float | None:
        """Return how much answers to the same artist are alike; None if that is not defined.

        The intraclass correlation of whether a curator accepted, by analysis of variance (Ridout,
        Demetrio and Firth 1999, Estimating intraclass correlation for binary data).
        """
        artists, sends = len(self.artists), self.sent.sum()
        if artists < 2 or sends <= artists:  # noqa: PLR2004 - there is no pair
            return None
        rates = self.accepted / self.sent
        mean = self.accepted.sum() / sends
        between = (self.sent * (rates - mean) ** 2).sum() / (artists - 1)
        within = (self.sent * rates * (1 - rates)).sum() / (sends - artists)
        size = (sends - (self.sent**2).sum() / sends) / (artists - 1)
        total = between + (size - 1) * within
        return float((between - within) / total) if total > 0 else None


def make_arms(counts: Iterable[ArtistCounts]) -> dict[str, Arm]:
    """Return the arms by the recommender's name and version."""
    by_recommender: dict[str, list[ArtistCounts]] = defaultdict(list)
    for each in counts:
        by_recommender[each.recommender].append(each)
    return {
        name: Arm(
            name,
            tuple(each.artist_id for each in rows),
            sum(each.recommendations for each in rows),
            *(
                np.array([getattr(each, column) for each in rows], float)
                for column in ("sent", "accepted", "declined", "unanswered")
            ),
        )
        for name, rows in by_recommender.items()
    }


def find_arm(arms: dict[str, Arm], name: str) -> Arm:
    """Return an arm.

    Raises:
        SetupError: There is no feedback on its recommendations.
    """
    if name not in arms:
        known = ", ".join(f"{each} ({len(arm.artists):,} artists)" for each, arm in arms.items())
        raise SetupError(
            f"{name}: there is no feedback on recommendations of this recommender; there is some "
            f"on those of {known or 'none'}. Name a recommender as NAME/VERSION"
        )
    return arms[name]
