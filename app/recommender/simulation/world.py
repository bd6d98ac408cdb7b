"""What is true of a simulated platform: who accepts what, and how curators answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from app.recommender.data import (
    AGREED,
    DECLINED,
    FEEDBACK,
    SHARED,
    UNKNOWN,
    Floats,
    Indices,
    Interactions,
)
from app.recommender.simulation.population import MadeArtists, MadeCurators, MadeTracks
from app.recommender.simulation.settings import Answer, Settings

STEEPNESS = 15.0
THRESHOLDS = {Answer.USUAL: 0.2, Answer.SELECTIVE: 0.4, Answer.ACCEPTS_ALL: -0.5}
"""The affinity at which a curator accepts every second track."""

SHARES_AFTER_AGREEING, FEEDBACK_AFTER_DECLINING = 0.8, 0.4
IN_CONTACT = 0.6
"""The share of accepted artists who stay in contact."""

ANSWER_DAYS = 7.0
DAY_US = 86_400 * 10**6


@dataclass(frozen=True, eq=False)
class Sent:
    """A track that was sent to curators.

    Attributes:
        artist: The index of the artist.
        track: The index of the track.
        at: The time.
        curators: The curators, in the order of the list if they were recommended, (sent,).
        propensities: The probability of each to be in the list, (sent,); NaN if they were not
            recommended.
    """

    artist: int
    track: int
    at: np.datetime64
    curators: Indices
    propensities: Floats

    @property
    def positions(self) -> Indices:
        """Return the positions in the list, from 1, `UNKNOWN` without a list, (sent,)."""
        places = np.arange(len(self.curators)) + 1
        return np.where(np.isnan(self.propensities), UNKNOWN, places)


@dataclass(frozen=True, eq=False)
class World:
    """All that answers depend on."""

    settings: Settings
    artists: MadeArtists
    tracks: MadeTracks
    curators: MadeCurators

    def acceptance(self, tracks: Indices) -> Floats:
        """Return the probability that each curator accepts a track, (tracks, curators)."""
        affinities = self.tracks.directions[tracks] @ self.curators.tastes.T
        accepted: Floats = expit(STEEPNESS * (affinities - self._thresholds))
        return accepted

    def expected_scores(self, tracks: Indices) -> Floats:
        """Return the expected score of each track with each curator, (tracks, curators)."""
        accepted = self.acceptance(tracks)
        if_accepted = SHARES_AFTER_AGREEING * SHARED + (1 - SHARES_AFTER_AGREEING) * AGREED
        if_not = FEEDBACK_AFTER_DECLINING * FEEDBACK + (1 - FEEDBACK_AFTER_DECLINING) * DECLINED
        return accepted * if_accepted + (1 - accepted) * if_not

    def answer(
        self,
        sent: Sequence[Sent],
        random: np.random.RandomState,
        until: np.datetime64 | None = None,
    ) -> Interactions:
        """Return what curators answer, in the order of time.

        Args:
            sent: What was sent.
            random: The source of random numbers.
            until: The end: later answers are from then.
        """
        counts = [len(each.curators) for each in sent]
        tracks = np.repeat([each.track for each in sent], counts)
        curators = np.concatenate([each.curators for each in sent])
        affinity = np.einsum(
            "it,it->i", self.tracks.directions[tracks], self.curators.tastes[curators]
        )
        size = len(tracks)
        accepts = expit(STEEPNESS * (affinity - self._thresholds[curators]))
        is_accepted = random.uniform(size=size) < accepts
        accepted = np.where(random.uniform(size=size) < SHARES_AFTER_AGREEING, SHARED, AGREED)
        declined = np.where(
            random.uniform(size=size) < FEEDBACK_AFTER_DECLINING, FEEDBACK, DECLINED
        )
        scores = np.where(is_accepted, accepted, declined)
        ratings = np.clip(np.round(3 + 2 * affinity + 0.7 * random.normal(size=size)), 1, 5)
        contact = is_accepted & (random.uniform(size=size) < IN_CONTACT)
        waits = (ANSWER_DAYS * DAY_US * random.uniform(size=size)).astype("timedelta64[us]")
        at = np.repeat(np.array([each.at for each in sent]), counts) + waits
        at = at if until is None else np.minimum(at, until)
        made = Interactions(
            artists=np.repeat([each.artist for each in sent], counts).astype(np.int64),
            curators=curators,
            tracks=tracks.astype(np.int64),
            scores=scores,
            at=at,
            positions=np.concatenate([each.positions for each in sent]),
            propensities=np.concatenate([each.propensities for each in sent]),
            ratings=np.where(scores > DECLINED, ratings, np.nan),
            in_contact=contact.astype(float),
            viewed_s=np.round(random.lognormal(3, 0.8, size=size), 1),
        )
        return made.take(np.argsort(at, kind="stable"))

    @property
    def _thresholds(self) -> Floats:
        return np.array([THRESHOLDS[each] for each in self.curators.answers])
